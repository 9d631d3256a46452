import type { Command } from "commander";
import { overrideForms, overrideId } from "../../../handlers/lib/core/overrides.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { loadStack } from "../../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { secondsOf } from "../lib/duration.ts";
import { UserError } from "../lib/errors.ts";
import { tableOf } from "../lib/fleet-table.ts";
import { idsOf, poolIn, readInForce } from "../lib/in-force.ts";
import { endDrains } from "../lib/override-rows.ts";

interface ResumeOptions {
  readonly pool?: string;
}

interface PauseOptions extends ResumeOptions {
  readonly for?: string;
  readonly reason?: string;
}

const poolOption = ["--pool <key>", "one pool of several; left out: the whole fleet"] as const;
const longestReason = 200;

/** `fleet pause` and `fleet resume`. */
export function addPauseCommands(program: Command, context: Context): void {
  program
    .command("pause")
    .summary("hold a running fleet, without a deploy")
    .description(
      "The loop holds: it launches, stops and retires no agents, but those that AWS already ends. Agents stay and finish " +
        "their jobs; those that leave by themselves still leave. The loop follows within a minute, and the alarm paused " +
        "says so. A pause without --for lasts until fleet resume. Needs dynamodb:Query and PutItem on the table " +
        "<stack>-settings.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option(...poolOption)
    .option("--for <time>", "how long, such as 90m, 2h or 1d, at most 30d (default: until fleet resume)")
    .option("--reason <text>", "why, for others who look at the fleet")
    .addHelpText(
      "after",
      '\nExamples:\n  fleet pause ci-agents --for 2h --reason "vendor incident"\n  fleet pause ci-agents --pool linux',
    )
    .action((name: string, options: PauseOptions, command: Command) => pause(context, name, options, command));
  program
    .command("resume")
    .summary("end a pause or a drain")
    .description(
      "Ends a pause or drain of the whole fleet and of each of its pools, or with --pool that of one pool. The loop goes " +
        "on within a minute. Needs dynamodb:Query and DeleteItem on the table <stack>-settings.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option(poolOption[0], "one pool of several; left out: all")
    .addHelpText("after", "\nExamples:\n  fleet resume ci-agents\n  fleet resume ci-agents --pool linux")
    .action((name: string, options: ResumeOptions, command: Command) => resume(context, name, options, command));
}

async function pause(context: Context, name: string, options: PauseOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const reason = reasonOf(options.reason);
  const seconds = options.for === undefined ? undefined : secondsOf("--for", options.for);
  const fleet = tableOf(loadStack(name, context));
  const now = context.clock.now();
  const before = await ui.during(`Reading the settings of ${name}`, () => readInForce(fleet, now));
  const key = options.pool === undefined ? undefined : poolIn(before, fleet, options.pool).pool;
  const until = seconds === undefined ? undefined : new Date(now.getTime() + seconds * 1000);
  const id = overrideId("pause", key);
  const document = JSON.stringify(overrideForms.pause.encode({ until, reason }));
  const { putOverride } = await import("../lib/override-store.ts");
  await ui.during(`Pausing ${whole(name, key)}`, () =>
    putOverride(fleet, { id, seen: before.overrides.get(id), document, until }),
  );
  ui.result(
    { stack: name, pool: key ?? null, paused: { until: until?.toISOString() ?? null, reason: reason ?? null } },
    `${whole(name, key)} is paused ${until ? `until ${until.toISOString()}` : "until you resume it"}. The loop holds ` +
      `within a minute. To end it: fleet resume ${name}${key ? ` --pool ${key}` : ""}`,
  );
}

async function resume(context: Context, name: string, options: ResumeOptions, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const fleet = tableOf(loadStack(name, context));
  const before = await ui.during(`Reading the settings of ${name}`, () => readInForce(fleet, context.clock.now()));
  const key = options.pool === undefined ? undefined : poolIn(before, fleet, options.pool).pool;
  const ids = key === undefined ? idsOf("pause", before) : [overrideId("pause", key)];
  const rows = ids.filter((id) => before.overrides.has(id));
  const { removeOverride } = await import("../lib/override-store.ts");
  const drained = await ui.during(`Resuming ${whole(name, key)}`, async () => {
    for (const id of rows) await removeOverride(fleet, { id, seen: before.overrides.get(id) });
    return endDrains(fleet, before, key);
  });
  const after = await readInForce(fleet, context.clock.now());
  const still = after.pools.filter(({ pool, pause: held }) => held && (key === undefined || pool === key));
  if (still.length > 0) {
    throw new UserError(
      `${whole(name, key)} is still paused: the whole fleet is.`,
      `To end that: fleet resume ${name}. It resumes all pools.`,
    );
  }
  ui.result(
    { stack: name, pool: key ?? null, resumed: rows.length > 0 || drained },
    rows.length > 0 || drained
      ? `${whole(name, key)} goes on within a minute.`
      : `${whole(name, key)} was not paused, and is not being drained.`,
  );
}

function whole(name: string, key: string | undefined): string {
  return key === undefined ? name : `pool ${key} of ${name}`;
}

function reasonOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.length > longestReason || visibleLine(text) !== text) {
    throw new UserError(
      `--reason must be one line of at most ${longestReason} characters, without control characters.`,
      "Nothing was changed.",
    );
  }
  return text;
}
