import { accessSync, constants } from "node:fs";

/** The variables that name a vendor's real agent on this machine, for tests that run it against the vendor's fake. */
export const realAgents = {
  semaphore: "SEMAPHORE_AGENT_BINARY",
} as const;

/**
 * The path of a vendor's real agent, or `undefined` if its variable is unset, which is said aloud.
 *
 * @throws if the variable names no program that can be run
 */
export function realAgent(
  vendor: keyof typeof realAgents,
  env: NodeJS.ProcessEnv = process.env,
  say: (text: string) => void = (text) => void process.stderr.write(text),
): string | undefined {
  const variable = realAgents[vendor];
  const path = env[variable];
  if (!path) {
    say(`SKIPPED: the real agent of ${vendor}. Set ${variable} to the path of its program\n`);
    return undefined;
  }
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    throw new Error(`${variable} names no program that can be run`, { cause: error });
  }
  return path;
}
