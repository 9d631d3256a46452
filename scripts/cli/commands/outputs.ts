import type { Command } from "commander";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { type OutputOptions, readOutputs } from "../lib/read-outputs.ts";
import { table } from "../lib/ui.ts";

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
    .option("--output <folder>", "the folder of `npm run synth`; its neighbour state/ has local states", "cdktf.out")
    .option("--terraform <program>", "terraform, tofu or a path (default: TERRAFORM_BINARY_NAME, else what PATH has)")
    .addHelpText("after", "\nExamples:\n  fleet outputs ci-agents\n  fleet --json outputs ci-agents")
    .action((name: string, options: OutputOptions, command: Command) => showOutputs(context, name, options, command));
}

async function showOutputs(context: Context, name: string, options: OutputOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const outputs = await ui.during(`Reading the state of ${name}`, () => readOutputs(context, name, options));
  const entries = Object.entries(outputs);
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

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
