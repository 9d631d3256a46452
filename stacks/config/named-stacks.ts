import type { LoadedStack, LoadedStacks } from "./load.ts";

const variable = "AGENT_FLEETS_NAMED";

/** The variable that tells the app which stacks a command is about. `*` names all of them. */
export function namesForApp(names: readonly string[]): Readonly<Record<string, string>> {
  return names.includes("*") ? {} : { [variable]: names.join(" ") };
}

/**
 * The stacks that the command is about: those that `fleet` has named, else all. Warnings about other stacks of the
 * folder, such as the shipped examples, help nobody who deploys one.
 */
export function namedStacks(stacks: readonly LoadedStack[], env: NodeJS.ProcessEnv): readonly LoadedStack[] {
  const names = env[variable]?.split(" ");
  return names ? stacks.filter(({ name }) => names.includes(name)) : stacks;
}

/** The lines of {@link loadStacks} about the named stacks: each line begins with its file. */
export function namedWarnings({ stacks, warnings }: LoadedStacks, named: readonly LoadedStack[]): readonly string[] {
  const others = stacks.filter((stack) => !named.includes(stack));
  return warnings.filter((line) => !others.some(({ file }) => line.startsWith(`${file}:`)));
}
