import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "./context.ts";
import { synthesize } from "./synthesize.ts";
import { type SynthesizedStack, synthesizedStacks } from "./synthesized.ts";

/**
 * Synthesizes the stacks of these names into a folder of its own, lets `use` read it, and removes it. So no command that
 * only looks disturbs the files that a deploy in progress works with. What the synth prints is shown only if it fails.
 *
 * @param use `warnings` are those of the synth, but for those about quotas of new accounts
 * @throws UserError if a config is wrong
 */
export async function withSynthesized<T>(
  context: Context,
  names: readonly string[],
  use: (stacks: readonly SynthesizedStack[], warnings: readonly string[]) => Promise<T> | T,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-synth-"));
  const output = join(folder, "out");
  let said = "";
  const stderr = { write: (text: string) => (said += text) };
  const terminal = { ...context.terminal, stderr, interactive: false };
  const env = { ...context.env, AGENT_FLEETS_QUOTAS: "raised" };
  try {
    try {
      await synthesize({ ...context, env, terminal }, output, names);
    } catch (error) {
      context.terminal.stderr.write(said);
      throw error;
    }
    const warnings = [...said.matchAll(/^warning: (.*)$/gm)].map(([, text = ""]) => text);
    return await use(
      synthesizedStacks(output).filter(({ name }) => names.includes(name)),
      warnings,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
