import type { Argument, Command, Option } from "commander";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";

/** A word that may come next. */
interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** Options whose value is the name of a stack. */
const stackOptions = new Set(["--stack", "--store"]);

/**
 * The words that may stand where the last one is being typed: subcommands, options, the choices of an option or argument,
 * and names of stacks. None: the shell may offer files.
 *
 * @param words all after `fleet`, as typed; the last one may be empty
 * @param stackNames is asked only where a stack's name may stand
 */
export function complete(program: Command, words: readonly string[], stackNames: () => readonly string[]): Candidate[] {
  // bash makes a word of its own of "=".
  const typed = words.filter((word, index) => word !== "=" || index === words.length - 1);
  const last = typed.at(-1) ?? "";
  const current = last === "=" ? "" : last;
  const { command, option, position } = walk(program, typed.slice(0, -1));
  const stacks = () => stackNames().map((value) => ({ value, description: "stack" }));
  const choices = (of: Option | Argument | undefined) =>
    (of?.argChoices ?? []).map((value) => ({ value, description: of?.description ?? "" }));

  return candidates().filter(({ value }) => value.startsWith(current));

  function candidates(): readonly Candidate[] {
    if (option) return stackOptions.has(option.long ?? "") ? stacks() : choices(option);
    if (current.startsWith("-")) return optionsOf(command).map(toCandidate);
    const subcommands = command.createHelp().visibleCommands(command);
    if (subcommands.length > 0) {
      return position > 0
        ? []
        : subcommands.map((each) => ({ value: each.name(), description: each.summary() || each.description() }));
    }
    const { registeredArguments: known } = command;
    const argument = known[position] ?? known.findLast(({ variadic }) => variadic);
    return argument?.name() === "stack" ? stacks() : choices(argument);
  }
}

/** As a line for the shell's script: the value, a tab, and a description in one line. */
export function lineOf({ value, description }: Candidate): string {
  return `${value}\t${visibleLine(description)}`;
}

/** Where the typed words lead: the command, how many of its arguments are there, and the option that waits for its value. */
export function walk(program: Command, words: readonly string[]) {
  let command = program;
  let position = 0;
  let option: Option | undefined;
  for (const word of words) {
    if (option) option = undefined;
    else if (word.startsWith("-")) option = awaiting(command, word);
    else {
      const next = position === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (next) command = next;
      else position += 1;
    }
  }
  return { command, position, option };
}

function awaiting(command: Command, word: string): Option | undefined {
  const found = optionsOf(command).find(({ long, short }) => long === word || short === word);
  return found?.required || found?.optional ? found : undefined;
}

/** Options of the command and of all above it. */
export function optionsOf(command: Command): Option[] {
  const own = command.createHelp().visibleOptions(command);
  return command.parent ? [...own, ...optionsOf(command.parent).filter(({ long }) => long !== "--help")] : own;
}

function toCandidate({ long, short, description }: Option): Candidate {
  return { value: long ?? short ?? "", description };
}
