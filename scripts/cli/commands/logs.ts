import { type Command, Option } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import type { LogChoice } from "../desk/logs/sources.ts";
import { type Context, jsonOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";

interface Options {
  readonly loop?: true;
  readonly agent?: string;
  readonly boot?: true;
  readonly retirements?: true;
  readonly follow?: true;
  readonly since: string;
}

const pollMilliseconds = 2_000;

const examples = `
Examples:
  fleet logs ci-agents
  fleet logs ci-agents --loop --since 1h
  fleet logs ci-agents --agent ci-agents_0f3a9c --follow
  fleet logs ci-agents --boot --follow
  fleet --json logs ci-agents --retirements --since 1d

With --json, each line is one JSON object. Metrics and Lambda's own lines about each run are in it, and left out without
it. Exit code 0: the log was read; 1: it was not. Ctrl-C ends --follow.`;

/** `fleet logs`. */
export function addLogsCommand(program: Command, context: Context): void {
  const others = (own: string) => ["loop", "agent", "boot", "retirements"].filter((name) => name !== own);
  program
    .command("logs")
    .summary("show the log of a fleet's loop, agents, boots or retirements")
    .description(
      "Shows a log of a fleet, oldest line first. Characters that a terminal would obey are written out: jobs write what " +
        "they like.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .addOption(new Option("--loop", "the scaling loop and its decisions (default)").conflicts(others("loop")))
    .addOption(
      new Option("--agent <name>", "one agent: its name, or on instances the instance's id").conflicts(others("agent")),
    )
    .addOption(new Option("--boot", "the boots of instances").conflicts(others("boot")))
    .addOption(new Option("--retirements", "the steps of retirements").conflicts(others("retirements")))
    .option("--follow", "go on, and show lines as they come")
    .option("--since <time>", "how far back: 90s, 15m, 1h or 2d", "15m")
    .addHelpText("after", examples)
    .action((name: string, options: Options, command: Command) => showLogs(context, name, options, command));
}

async function showLogs(context: Context, name: string, options: Options, command: Command): Promise<void> {
  const { clock, terminal } = context;
  const since = new Date(clock.now().getTime() - millisecondsOf(options.since));
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const desk = await import("../desk/index.ts");
  const stack = desk.fleetOf(loadStack(name, context));
  const clients = desk.deskClientsIn(stack.config.region, context.env);
  const sources = await desk.sourcesOf(choiceOf(options), stack, clients, context.clock.now());
  const next = desk.createFollower(clients.logs, sources, since);
  const show = jsonOf(command) ? desk.lineAsJson : desk.renderLine;
  let shown = 0;
  for (;;) {
    for (const line of await next()) {
      const text = show(line);
      if (text === undefined) continue;
      terminal.stdout.write(`${text}\n`);
      shown += 1;
    }
    if (!options.follow) break;
    await clock.sleep(pollMilliseconds);
  }
  if (shown === 0) terminal.stderr.write(`No lines since ${since.toISOString()}. --since 1d looks further back.\n`);
}

function choiceOf({ agent, boot, retirements }: Options): LogChoice {
  if (agent !== undefined) return { log: "agent", name: agent };
  if (boot) return { log: "boot" };
  return { log: retirements ? "retirements" : "loop" };
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3600_000, d: 86_400_000 };

/** The longest that CloudWatch keeps lines, unless it keeps them for ever. */
const longestMilliseconds = 3653 * 86_400_000;

function millisecondsOf(text: string): number {
  const [, number = "", unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (units[unit] ?? Number.NaN);
  if (milliseconds <= longestMilliseconds) return milliseconds;
  throw new UserError(`--since ${text} is no length of time of at most ten years.`, "Write it as 90s, 15m, 1h or 2d.");
}
