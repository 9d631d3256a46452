import * as z from "zod";
import type { Context } from "./context.ts";
import { UserError } from "./errors.ts";
import { inOwnFolder, readingRun, type SynthOptions } from "./own-folder.ts";
import { findTerraform, runProgram } from "./programs.ts";
import { chooseStacks, type SynthesizedStack } from "./synthesized.ts";
import { readTerraformStack } from "./terraform-json.ts";

/** What `terraform output -json` prints: https://developer.hashicorp.com/terraform/cli/commands/output. */
const outputsOfTerraform = z.record(z.string(), z.object({ sensitive: z.boolean(), value: z.unknown() }));

type Outputs = z.output<typeof outputsOfTerraform>;

/**
 * The outputs in a stack's state. Synthesizes first, unless the options say otherwise. What the synth and Terraform print
 * is shown only if they fail.
 */
export async function readOutputs(context: Context, name: string, options: SynthOptions): Promise<Outputs> {
  const terraform = findTerraform(context, options.terraform);
  if (name === "*") throw new UserError("Outputs are those of one stack.", "Give its name.");
  let said = "";
  const stderr = { write: (text: string) => (said += text) };
  const quiet: Context = { ...context, terminal: { ...context.terminal, stderr, interactive: false } };
  try {
    return await inOwnFolder(quiet, options, [name], ({ stacks, output }) => {
      const [stack] = chooseStacks(stacks, [name]);
      if (!stack) throw new Error(`no stack ${name}`);
      return askTerraform(quiet, terraform, stack, readingRun(context, output, stack));
    });
  } catch (error) {
    context.terminal.stderr.write(said);
    throw error;
  }
}

/** Asks Terraform, which prints sensitive values too: what it prints goes nowhere else. */
async function askTerraform(
  context: Context,
  terraform: string,
  stack: SynthesizedStack,
  variables: Readonly<Record<string, string>>,
): Promise<Outputs> {
  const env = { ...context.env, ...variables, TF_IN_AUTOMATION: "1" };
  let printed = "";
  const run = async (args: readonly string[], outputTo: "stderr" | ((text: string) => void)) => {
    const code = await runProgram(context, terraform, args, { cwd: stack.folder, env, outputTo });
    if (code === 0) return;
    const failed = args[0] === "init" ? "could not open the state" : "could not read the outputs";
    throw new UserError(
      `Terraform ${failed} of ${stack.name}: ${[terraform, ...args].join(" ")} failed with exit code ${code}.`,
      `The lines above are Terraform's own. ${advice(stack)}`,
    );
  };
  await run(["init", "-input=false", "-no-color"], "stderr");
  await run(["output", "-json", "-no-color"], (text) => {
    printed += text;
  });
  return parse(printed);
}

/** What most often stands between Terraform and a state. */
function advice(stack: SynthesizedStack): string {
  const causes: Readonly<Record<string, string>> = {
    s3: "Check that the bucket of `backend` exists, and that AWS_PROFILE or the other AWS_ variables may read it.",
    cloud:
      "Check the organization and the workspace of `backend`, and log in: terraform login. A pipeline sets TF_TOKEN_….",
    local: "Terraform loads its providers first: check that it reaches their registry.",
  };
  const cause = causes[readTerraformStack(stack).backend ?? ""] ?? "Check `backend` in the config.";
  return `${cause} If \`backend\` is new since the last deploy: fleet deploy ${stack.name} --migrate-state`;
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
