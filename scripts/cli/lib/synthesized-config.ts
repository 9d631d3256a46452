import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "./context.ts";
import { synthesize } from "./synthesize.ts";
import { type SynthesizedStack, synthesizedStacks } from "./synthesized.ts";

/**
 * Synthesizes the stacks of these names into a folder of its own, lets `use` read it, and removes it. So no command that
 * only looks disturbs the files that a deploy in progress works with. Nothing that the synth prints is shown twice: the
 * warnings about new accounts are left to the caller.
 *
 * @throws UserError if a config is wrong
 */
export async function withSynthesized<T>(
  context: Context,
  names: readonly string[],
  use: (stacks: readonly SynthesizedStack[]) => Promise<T> | T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-synth-"));
  const output = join(folder, "out");
  const env = { ...context.env, AGENT_FLEETS_QUOTAS: "raised" };
  try {
    await synthesize({ ...context, env }, output, names);
    return await use(synthesizedStacks(output).filter(({ name }) => names.includes(name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
