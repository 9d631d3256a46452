import type { Command } from "commander";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { type SynthOptions, takesSynthOptions } from "../lib/own-folder.ts";
import { readOutputs } from "../lib/read-outputs.ts";

/** `fleet outputs`. */
export function addOutputsCommand(program: Command, context: Context): void {
  const outputs = program
    .command("outputs")
    .summary("show the outputs of a deployed stack")
    .description(
      "Shows the outputs in a stack's state, such as webhook_url. Sensitive values stay hidden. Synthesizes first, then " +
        "reads the state, and changes nothing. Needs Terraform or OpenTofu, 1.11 or later.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml");
  takesSynthOptions(outputs)
    .addHelpText("after", "\nExamples:\n  fleet outputs ci-agents\n  fleet --json outputs ci-agents")
    .action((name: string, options: SynthOptions, command: Command) => showOutputs(context, name, options, command));
}

async function showOutputs(context: Context, name: string, options: SynthOptions, command: Command): Promise<void> {
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
    listing(entries.map(([key, { sensitive, value }]) => [key, sensitive ? ["(sensitive)"] : linesOf(value)])),
  );
}

/** Names, and beside each its values, one a line: without frames, which long values would break in a terminal. */
function listing(entries: readonly (readonly [string, readonly string[]])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length)) + 2;
  const rows = entries.flatMap(([name, lines]) => lines.map((line, index) => [index === 0 ? name : "", line] as const));
  return rows.map(([name, line]) => `${name.padEnd(width)}${line}`).join("\n");
}

/** A list has an item a line, an object a key a line. */
function linesOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [textOf(value)];
  const lines = Array.isArray(value)
    ? value.map(textOf)
    : Object.entries(value).map(([key, each]) => `${key}: ${textOf(each)}`);
  return lines.length > 0 ? lines : [JSON.stringify(value)];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
