import { resolve } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { findTerraform, runProgram } from "../lib/programs.ts";
import { synthesize } from "../lib/synthesize.ts";
import { chooseStacks, synthesizedStacks } from "../lib/synthesized.ts";
import { table } from "../lib/ui.ts";

/** The options of commands that read a stack's outputs. */
export interface OutputOptions {
  readonly synth: boolean;
  readonly output: string;
  readonly terraform?: string;
}

/** What `terraform output -json` prints: https://developer.hashicorp.com/terraform/cli/commands/output. */
const outputsOfTerraform = z.record(z.string(), z.object({ sensitive: z.boolean(), value: z.unknown() }));

type Outputs = z.output<typeof outputsOfTerraform>;

/** `fleet outputs`. */
export function addOutputsCommand(program: Command, context: Context): void {
  program
    .command("outputs")
    .summary("show the outputs of a deployed stack")
    .description(
      "Shows the outputs in a stack's state, such as webhook_url. Sensitive values stay hidden. Synthesizes first, then " +
        "reads the state, and changes nothing. Needs Terraform or OpenTofu, 1.11 or later.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--no-synth", "take the files that are in the output folder")
    .option("--output <folder>", "where the synth writes to", "cdktf.out")
    .option("--terraform <program>", "terraform, tofu or a path (default: TERRAFORM_BINARY_NAME, else what PATH has)")
    .addHelpText("after", "\nExamples:\n  fleet outputs ci-agents\n  fleet --json outputs ci-agents")
    .action((name: string, options: OutputOptions, command: Command) => showOutputs(context, name, options, command));
}

async function showOutputs(context: Context, name: string, options: OutputOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const entries = Object.entries(await readOutputs(context, name, options));
  if (entries.length === 0) {
    throw new UserError(`The state of ${name} has no outputs.`, `Deploy the stack first: fleet deploy ${name}`);
  }
  const shown = entries.filter(([, { sensitive }]) => !sensitive).map(([key, { value }]) => [key, value]);
  const hidden = entries.filter(([, { sensitive }]) => sensitive).map(([key]) => key);
  ui.result(
    { stack: name, outputs: Object.fromEntries(shown), sensitive: hidden },
    table(
      ["Output", "Value"],
      entries.map(([key, { sensitive, value }]) => [key, sensitive ? "(sensitive)" : textOf(value)]),
      context.terminal.columns?.(),
    ),
  );
}

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

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
