import type { Command } from "commander";
import { nearest } from "../../../stacks/config/reading/nearest.ts";
import { optionsOf, walk } from "./complete.ts";

/** Where people find what they look for in an option that there is not. */
const elsewhere: Readonly<Record<string, string>> = {
  "--region": "The region of a stack is the key `region` of its config file.",
  "--profile": "The variable AWS_PROFILE chooses the AWS credentials.",
  "--config": "The variable AGENT_FLEETS_CONFIG names another folder of configs, or one file.",
  "--yes": "To answer no questions: --auto-approve, where a command asks.",
};

/** So many names of stacks are listed. */
const most = 12;

/**
 * What to do about an option or a command that there is not, and about a stack that is not named: the option with the
 * nearest name, where to set it, the stacks of the folder. Commander itself suggests names that have little in common.
 *
 * @param message Commander's, in English
 * @param stackNames is asked only if a stack is missing
 * @returns a sentence. `undefined`: nothing is near
 */
export function adviceOn(
  program: Command,
  args: readonly string[],
  message: string,
  stackNames: () => readonly string[],
): string | undefined {
  if (message.includes("missing required argument 'stack'")) return listOf(stackNames());
  const [, kind, name = ""] = /unknown (option|command) '([^'=]*)/.exec(message) ?? [];
  if (kind === undefined) return undefined;
  const { command } = walk(program, args);
  const known =
    kind === "option"
      ? optionsOf(command).flatMap(({ long }) => long ?? [])
      : command
          .createHelp()
          .visibleCommands(command)
          .map((each) => each.name());
  const guess = nearest(name, known);
  const advice = kind === "option" ? elsewhere[name] : undefined;
  return advice ?? (guess && `Did you mean ${guess}?`);
}

function listOf(stacks: readonly string[]): string | undefined {
  if (stacks.length === 0) return "There is no stack in the folder of configs. To write one: fleet init";
  const more = stacks.length > most ? ` and ${stacks.length - most} more` : "";
  return `Stacks: ${stacks.slice(0, most).join(", ")}${more}.`;
}
