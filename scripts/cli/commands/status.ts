import type { Command } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import { isOfTheWay } from "../lib/aws-trouble.ts";
import { type Context, jsonOf, uiOf } from "../lib/context.ts";
import { explain, UserError } from "../lib/errors.ts";
import { theFleet } from "../lib/the-fleet.ts";

interface Options {
  readonly watch?: true;
  readonly every: string;
  readonly times?: string;
  readonly price?: string;
}

/** In seconds. Node's timers fire at once after times beyond 24 days. */
const longestPause = 86_400;
/** In dollars. Sums of more would not fit into a number. */
const highestPrice = 1_000_000;

const examples = `
Examples:
  fleet status ci-agents
  fleet status ci-agents --watch
  fleet --json status ci-agents
  fleet --json status ci-agents --watch --every 60 --times 10

Without a terminal, --watch prints one line each time, and with --json one JSON object a line.
Exit code 0: the status was read, although parts of it may be unknown; 1: it was not.
docs/operating.md explains each line.`;

/** `fleet status`. */
export function addStatusCommand(program: Command, context: Context): void {
  program
    .command("status")
    .summary("show a fleet's queue, agents, decisions, alarms and cost")
    .description(
      "Shows a fleet as AWS and its loop see it: the queue, agents by state, retirements and why they wait, the last " +
        "decisions, circuit, alarms, secrets without their values, image and cost. Needs no token of the vendor. Reads " +
        "only. Says of each part that could not be read why.",
    )
    .argument("[stack]", "name of the stack: its config file without .yaml. Left out: the only fleet of the config")
    .option("--watch", "show it again and again; q or Ctrl-C ends it")
    .option("--every <seconds>", "how often --watch reads", "5")
    .option("--times <number>", "end --watch after so many times")
    .option("--price <dollars>", "of one agent-hour, in place of the list price")
    .addHelpText("after", examples)
    .action((name: string | undefined, options: Options, command: Command) =>
      showStatus(context, name, options, command),
    );
}

async function showStatus(
  context: Context,
  name: string | undefined,
  options: Options,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const isJson = jsonOf(command);
  const price = numberOf("--price", options.price, 0, highestPrice);
  const every = (numberOf("--every", options.every, 1, longestPause) ?? 5) * 1000;
  const wanted = numberOf("--times", options.times, 1, Number.MAX_SAFE_INTEGER);
  const times = options.watch ? (wanted ?? Number.POSITIVE_INFINITY) : 1;
  const stackName = name ?? theFleet(context);
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const desk = await import("../desk/index.ts");
  const stack = desk.fleetOf(loadStack(stackName, context));
  const clients = desk.deskClientsIn(stack.config.region, context.env);
  // Once: they follow from the config alone.
  const fixedParts = desk.readFixedParts(context, stack);
  const read = async () => {
    const [picture, fixed] = await Promise.all([desk.readPicture(stack, clients, context.clock), fixedParts]);
    return desk.statusOf(picture, fixed, price);
  };
  const { terminal } = context;
  const width = () => terminal.columns?.() ?? 100;
  if (!options.watch) {
    const status = await ui.during(`Reading ${stackName}`, read);
    ui.result(status, desk.statusText(status, width()));
    return;
  }
  const screen = isJson ? undefined : await terminal.screen?.();
  try {
    let last: Awaited<ReturnType<typeof read>> | undefined;
    for (let time = 1; ; time += 1) {
      try {
        last = await read();
        if (screen) screen.show(`${desk.statusText(last, width())}\n\nq ends`);
        else terminal.stdout.write(`${isJson ? JSON.stringify(last) : desk.statusLine(last)}\n`);
      } catch (error) {
        // A network that fails for a moment ends no view that somebody leaves open.
        if (last === undefined || time >= times || !isOfTheWay(error)) throw error;
        const gap = `NOT READ AT ${context.clock.now().toISOString()}: ${explain(error).error}`;
        if (screen)
          screen.show(`${gap}\nBelow is what was read before.\n\n${desk.statusText(last, width())}\n\nq ends`);
        else terminal.stderr.write(`${gap}\n`);
      }
      if (time >= times) return;
      if (screen ? await screen.quitWithin(every) : await context.clock.sleep(every)) return;
    }
  } finally {
    screen?.close();
  }
}

function numberOf(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value >= least && value <= most) return value;
  throw new UserError(`${option} ${text} is no number from ${least} to ${most}.`, "Correct it, then try again.");
}
