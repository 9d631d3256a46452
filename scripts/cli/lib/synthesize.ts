import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { outputForApp } from "../../../stacks/config/local-state.ts";
import { namesForApp } from "../../../stacks/config/named-stacks.ts";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";
import { runProgram } from "./programs.ts";

/**
 * Runs the app as `npm run synth` does, about the named stacks, and writes to `output`. As with
 * cdktf, it does not see Terraform's variables.
 *
 * @param usual the output of `npm run synth`, whose stacks may have states of earlier versions in it. Left out: none
 * @throws UserError if a config is wrong
 */
export async function synthesize(
  context: Context,
  output: string,
  names: readonly string[],
  usual?: string,
): Promise<void> {
  if (context.synthesize) return context.synthesize(output, names);
  const variables = Object.entries(context.env).filter(([name]) => !name.startsWith("TF_VAR_"));
  const script = fileURLToPath(new URL("../../synth.js", import.meta.url));
  // cdktf makes the folder itself, but not its parents.
  mkdirSync(dirname(output), { recursive: true });
  const code = await runProgram(context, process.execPath, [script], {
    cwd: context.cwd,
    env: {
      ...refuseLocalState(context.env),
      ...Object.fromEntries(variables),
      ...namesForApp(names),
      ...(usual !== undefined && outputForApp(usual)),
      CDKTF_OUTDIR: output,
    },
    outputTo: "stderr",
  });
  if (code !== 0)
    throw new UserError("The configs cannot be synthesized.", "The lines above say why. Nothing was changed.");
}

/** A CI runner loses its files with the job: a state among them would be lost, too. */
function refuseLocalState({ CI = "" }: Context["env"]): Context["env"] {
  return ["", "0", "false"].includes(CI) ? {} : { AGENT_FLEETS_LOCAL_STATE: "refuse" };
}
