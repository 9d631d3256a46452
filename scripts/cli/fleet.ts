import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { Command, CommanderError } from "commander";
import * as z from "zod";
import { wrapped } from "../../stacks/config/reading/wrap.ts";
import { addAdoCommands } from "./commands/ado.ts";
import { addCheckCommand } from "./commands/check.ts";
import { addCompletionCommands } from "./commands/completion.ts";
import { addCostCommand } from "./commands/cost.ts";
import { addDeployCommands } from "./commands/deploy.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addDrainCommand } from "./commands/drain.ts";
import { addHcpCommands, refuseOldSpelling } from "./commands/hcp.ts";
import { addImageCommands } from "./commands/image.ts";
import { addInitCommand } from "./commands/init.ts";
import { addLimitsCommand } from "./commands/limits.ts";
import { addLogsCommand } from "./commands/logs.ts";
import { addOutputsCommand } from "./commands/outputs.ts";
import { addPauseCommands } from "./commands/pause.ts";
import { addRetireCommand } from "./commands/retire.ts";
import { addSecretCommands } from "./commands/secret.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { addSpaceliftCommands } from "./commands/spacelift.ts";
import { addStatusCommand } from "./commands/status.ts";
import { addTraceCommands } from "./commands/trace.ts";
import type { Context } from "./lib/context.ts";
import { Ended, explain } from "./lib/errors.ts";
import { adviceOn } from "./lib/misuse.ts";
import { refuseOptionsTakenByNpm } from "./lib/npm-options.ts";
import { promptsOn } from "./lib/prompts.ts";
import { stackNames } from "./lib/stack-names.ts";
import { askHidden, safeTerminal } from "./lib/ui.ts";

/** Runs the CLI with these arguments. Resolves to the exit code; never rejects. */
export async function main(args: readonly string[], given: Context = processContext()): Promise<number> {
  const context = { ...given, terminal: safeTerminal(given.terminal) };
  const program = createProgram(context, args.includes("--json"), args);
  program.hook("preAction", (_, command) => refuseOptionsTakenByNpm(command, context, args));
  try {
    refuseOldSpelling(args);
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof Ended) return error.exitCode;
    if (error instanceof CommanderError && (error.exitCode === 0 || !args.includes("--json"))) return error.exitCode;
    const { error: failure, hint } = explain(error);
    const advice =
      error instanceof CommanderError ? adviceOn(program, args, error.message, () => stackNames(context)) : undefined;
    const explanation = { error: failure, hint: advice ? `${advice} ${hint}` : hint };
    const { stderr, errorColumns } = context.terminal;
    const forPeople = () => wrapped(`fleet: ${explanation.error}\n${explanation.hint}`, errorColumns?.()).join("\n");
    stderr.write(`${args.includes("--json") ? JSON.stringify(explanation) : forPeople()}\n`);
    return 1;
  }
}

/**
 * All commands and options of `fleet`, as commander reads them.
 *
 * @param args for advice on wrong ones
 */
export function createProgram(context: Context, json: boolean, args: readonly string[] = []): Command {
  const program: Command = new Command("fleet")
    .description("The operator's tool for agent fleets. Every command takes --json and exits non-zero on failure.")
    .version(version())
    .option("--json", "results on stdout as JSON, everything else on stderr")
    .showHelpAfterError("(add --help for help)")
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({
      // Texts of ours below the help, which commander does not break.
      writeOut: (text) => context.terminal.stdout.write(wrapped(text, context.terminal.columns?.()).join("\n")),
      // With --json the error follows as JSON.
      writeErr: (text) => json || context.terminal.stderr.write(text),
      outputError(text, write) {
        const advice = adviceOn(program, args, text, () => stackNames(context));
        const lines = wrapped(`${text.trimEnd()}${advice ? `\n${advice}` : ""}`, context.terminal.errorColumns?.());
        write(`${lines.join("\n")}\n`);
      },
    });
  addInitCommand(program, context);
  addDeployCommands(program, context);
  addOutputsCommand(program, context);
  addCheckCommand(program, context);
  addCostCommand(program, context);
  addStatusCommand(program, context);
  addDoctorCommand(program, context);
  addLogsCommand(program, context);
  addLimitsCommand(program, context);
  addPauseCommands(program, context);
  addDrainCommand(program, context);
  addRetireCommand(program, context);
  addSecretCommands(program, context);
  addImageCommands(program, context);
  addSimulateCommand(program, context);
  addTraceCommands(program, context);
  addHcpCommands(program, context);
  addAdoCommands(program, context);
  addSpaceliftCommands(program, context);
  addCompletionCommands(program, context);
  return program;
}

function processContext(): Context {
  const { stdin, stdout, stderr, env } = process;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of a pipe, such as head, has seen enough.
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const interactive = Boolean(stdin.isTTY && stderr.isTTY && !env.CI);
  return {
    env,
    cwd: process.cwd(),
    clock: { now: () => new Date(), sleep: (milliseconds) => setTimeout(milliseconds) },
    terminal: {
      stdin,
      stdout,
      stderr,
      interactive,
      askHidden: interactive ? askHidden : undefined,
      prompts: interactive ? promptsOn(stdin, stderr) : undefined,
      columns: stdout.isTTY ? () => stdout.columns : undefined,
      errorColumns: stderr.isTTY ? () => stderr.columns : undefined,
      // Imported only where it is used, because it loads a package.
      screen:
        stdin.isTTY && stdout.isTTY && !env.CI
          ? async () => (await import("./lib/screen.ts")).openScreen(stdin, stdout)
          : undefined,
    },
  };
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
