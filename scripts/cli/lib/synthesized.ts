import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { nearest } from "../../../stacks/config/reading/nearest.ts";
import { UserError } from "./errors.ts";

/** A stack in the folder that a synth writes to. */
export interface SynthesizedStack {
  readonly name: string;
  /** Where Terraform runs. */
  readonly folder: string;
  /** Names of the stacks that must be deployed before it. */
  readonly dependencies: readonly string[];
}

const manifest = z.object({
  stacks: z.record(z.string(), z.object({ workingDirectory: z.string(), dependencies: z.array(z.string()) })),
});

/** The stacks that the last synth into `output` wrote. Throws {@link UserError} if there was none. */
export function synthesizedStacks(output: string): readonly SynthesizedStack[] {
  const file = join(output, "manifest.json");
  if (!existsSync(file)) throw new UserError(`${output} holds no synthesized stacks.`, "Run npm run synth first.");
  const { stacks } = manifest.parse(JSON.parse(readFileSync(file, "utf8")));
  return Object.entries(stacks).map(([name, { workingDirectory, dependencies }]) => ({
    name,
    folder: join(output, workingDirectory),
    dependencies,
  }));
}

/** Where `fleet deploy` keeps the files that it has applied. Neither a synth nor `cdktf` looks there. */
export function deployedFolder(output: string, name: string): string {
  return join(output, ".deployed", name);
}

/** The folder of a stack whose config is gone, as the last deploy by `fleet` or an earlier synth left it. */
export function leftoverStack(output: string, name: string): SynthesizedStack | undefined {
  const folders = [deployedFolder(output, name), join(output, "stacks", name)];
  const folder = folders.find((each) => existsSync(join(each, "cdk.tf.json")));
  return folder === undefined ? undefined : { name, folder, dependencies: [] };
}

/**
 * The stacks of these names, each after those that it depends on. `*` names all of `stacks`.
 *
 * @param find looks for a name that is not among `stacks`
 * @throws UserError for a name that nothing has
 */
export function chooseStacks(
  stacks: readonly SynthesizedStack[],
  names: readonly string[],
  find: (name: string) => SynthesizedStack | undefined = () => undefined,
): readonly SynthesizedStack[] {
  const chosen = names.flatMap((name) => {
    if (name === "*") return stacks;
    return stacks.find((stack) => stack.name === name) ?? find(name) ?? unknownStack(name, stacks);
  });
  return inOrder([...new Set(chosen)]);
}

function unknownStack(name: string, stacks: readonly SynthesizedStack[]): never {
  const known = stacks.map((stack) => stack.name);
  const guess = nearest(name, known);
  throw new UserError(
    `There is no stack ${JSON.stringify(name)}${guess ? `. Did you mean ${guess}?` : "."}`,
    `Stacks: ${known.join(", ")}`,
  );
}

function inOrder(stacks: readonly SynthesizedStack[]): readonly SynthesizedStack[] {
  const ordered = new Set<SynthesizedStack>();
  const add = (stack: SynthesizedStack) => {
    for (const other of stacks) if (stack.dependencies.includes(other.name)) add(other);
    ordered.add(stack);
  };
  stacks.forEach(add);
  return [...ordered];
}
