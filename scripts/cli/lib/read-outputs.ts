import { resolve } from "node:path";
import * as z from "zod";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";
import { findTerraform, runProgram } from "./programs.ts";
import { synthesize } from "./synthesize.ts";
import { chooseStacks, synthesizedStacks } from "./synthesized.ts";

/** The options of commands that read a stack's outputs. */
export interface OutputOptions {
  readonly synth: boolean;
  readonly output: string;
  readonly terraform?: string;
}

/** What `terraform output -json` prints: https://developer.hashicorp.com/terraform/cli/commands/output. */
const outputsOfTerraform = z.record(z.string(), z.object({ sensitive: z.boolean(), value: z.unknown() }));

type Outputs = z.output<typeof outputsOfTerraform>;

/** The outputs in a stack's state. Synthesizes first, unless the options say otherwise. */
export async function readOutputs(context: Context, name: string, options: OutputOptions): Promise<Outputs> {
  const terraform = findTerraform(context, options.terraform);
  const output = resolve(context.cwd, options.output);
  if (options.synth) await synthesize(context, output, [name]);
  const [stack] = chooseStacks(synthesizedStacks(output), [name]);
  if (name === "*" || !stack) throw new UserError("Outputs are those of one stack.", "Give its name.");
  return askTerraform(context, terraform, stack.folder);
}

/** Asks Terraform, which prints sensitive values too: what it prints goes nowhere else. */
async function askTerraform(context: Context, terraform: string, folder: string): Promise<Outputs> {
  const env = { ...context.env, TF_IN_AUTOMATION: "1" };
  let printed = "";
  const run = async (args: readonly string[], outputTo: "stderr" | ((text: string) => void)) => {
    const code = await runProgram(context, terraform, args, { cwd: folder, env, outputTo });
    if (code === 0) return;
    throw new UserError(
      `${[terraform, ...args].join(" ")} failed with exit code ${code}.`,
      "The lines above say why. Nothing was changed.",
    );
  };
  await run(["init", "-input=false", "-no-color"], "stderr");
  await run(["output", "-json", "-no-color"], (text) => {
    printed += text;
  });
  return parse(printed);
}

/** Terraform and OpenTofu print warnings after the JSON (`OutputCommand.Run` in internal/command/output.go of OpenTofu). */
function parse(printed: string): Outputs {
  const [json] = /^\{(?:\}|[\s\S]*?^\})/m.exec(printed) ?? [];
  try {
    return outputsOfTerraform.parse(JSON.parse(json ?? ""));
  } catch {
    throw new UserError(
      "Terraform's answer is no list of outputs.",
      "Run terraform output in the stack's folder in cdktf.out to see it.",
    );
  }
}
