import { Argument, type Command } from "commander";
import { complete, lineOf } from "../lib/complete.ts";
import { completionScripts, type Shell, shells } from "../lib/completion-scripts.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { stackNames } from "../lib/stack-names.ts";

/** `fleet completion`, and `fleet complete`, which its scripts call. */
export function addCompletionCommands(program: Command, context: Context): void {
  program
    .command("completion")
    .summary("print a script that has your shell complete fleet")
    .description(
      "Prints a script for your shell. It completes commands, options, their choices, and names of stacks, which it " +
        "takes from the folder of configs. The shell must find a program or function named fleet.",
    )
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText(
      "after",
      "\nExamples:\n  source <(fleet completion bash)\n  source <(fleet completion zsh)\n  fleet completion fish | source",
    )
    .action((shell: Shell, _options: object, command: Command) =>
      uiOf(context, command).result({ shell, script: completionScripts[shell] }, completionScripts[shell]),
    );
  program
    .command("complete", { hidden: true })
    .description("Prints what may come next, one word a line, a tab, and its description.")
    .argument("[words...]", "the words after fleet, the last one as far as it is typed")
    .action((words: string[]) => {
      for (const candidate of complete(program, words, () => stackNames(context))) {
        context.terminal.stdout.write(`${lineOf(candidate)}\n`);
      }
    });
}
