import type { Command } from "commander";
import { overrideForms, overrideId, type PauseOverride } from "../../../handlers/lib/core/overrides.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { loadStack } from "../../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import { tableOf } from "../lib/fleet-table.ts";
import { type FleetInForce, type Limits, type PoolInForce, poolIn, readInForce } from "../lib/in-force.ts";
import { type LimitOptions, newLimits, wantedLimits } from "../lib/limits.ts";
import { table, type Ui } from "../lib/ui.ts";

interface Options extends LimitOptions {
  readonly pool?: string;
  readonly clear?: true;
}

/** `fleet limits`. */
export function addLimitsCommand(program: Command, context: Context): void {
  program
    .command("limits")
    .summary("show or change a running fleet's limits for a while, without a deploy")
    .description(
      "Without options, shows the limits that the loop goes by, and until when. Otherwise sets limits that hold for a " +
        "while in place of the stack's, and end by themselves. They never lead to more agents than agents.max of the " +
        "stack. Limits that hold already stay, unless an option replaces them; all end at the new time. The loop follows " +
        "within a minute. Needs dynamodb:Query, PutItem and DeleteItem on the table <stack>-settings.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--pool <key>", "one pool of several")
    .option("--min <agents>", "the floor")
    .option("--max <agents>", "the ceiling, at most agents.max of the stack")
    .option("--buffer <agents>", 'idle agents on top of demand: a number, or a share of the jobs such as "20%"')
    .option("--for <time>", "how long they hold, such as 90m, 2h or 1d, at most 30d (default: 2h)")
    .option("--clear", "end them now")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet limits ci-agents\n  fleet limits ci-agents --max 3 --for 2h\n" +
        "  fleet limits ci-agents --pool linux --min 5 --buffer 20% --for 90m\n  fleet limits ci-agents --clear",
    )
    .action((name: string, options: Options, command: Command) => runLimits(context, name, options, command));
}

async function runLimits(context: Context, name: string, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const { pool: key, clear, ...limits } = options;
  const asked = Object.keys(limits).length > 0;
  if (clear && asked) throw new UserError("--clear ends all limits that hold for a while.", "Give nothing with it.");
  const wanted = asked ? wantedLimits(limits) : undefined;
  const fleet = tableOf(loadStack(name, context));
  const read = () => readInForce(fleet, context.clock.now());
  const before = await ui.during(`Reading the limits of ${name}`, read);
  if (!clear && !wanted) {
    return show(context, ui, name, key === undefined ? before : { ...before, pools: [poolIn(before, fleet, key)] });
  }

  const pool = poolIn(before, fleet, key);
  const id = overrideId("limits", pool.pool);
  const row = { id, seen: before.overrides.get(id) };
  const { putOverride, removeOverride } = await import("../lib/override-store.ts");
  if (wanted) {
    const override = newLimits(wanted, pool, context.clock.now());
    const document = JSON.stringify(overrideForms.limits.encode(override));
    await ui.during(`Setting limits of ${name}`, () => putOverride(fleet, { ...row, document, until: override.until }));
  } else if (before.overrides.has(id)) {
    await ui.during(`Ending limits of ${name}`, () => removeOverride(fleet, row));
  }
  const after = await read();
  show(context, ui, name, { ...after, pools: [poolIn(after, fleet, pool.pool)] });
}

function show(
  { terminal }: Context,
  ui: Ui,
  stack: string,
  { pools, trouble }: Pick<FleetInForce, "pools" | "trouble">,
): void {
  for (const { row, trouble: why } of trouble) ui.note(visibleLine(`The row "${row}" cannot be used: ${why}`));
  ui.result(
    { stack, pools: pools.map(toJson), trouble },
    table(
      ["Pool", "Min", "Max", "Buffer", "Until", "The stack has", "Paused"],
      pools.map(({ pool, inForce, limits, stack: own, pause, drain }) => [
        pool ?? "-",
        String(inForce.min),
        String(inForce.max),
        bufferText(inForce.buffer),
        drain ? `drained since ${drain.since.toISOString()}` : limits ? limits.until.toISOString() : "-",
        `min ${own.min}, max ${own.max}, buffer ${bufferText(own.buffer)}`,
        pause ? pauseText(pause) : "-",
      ]),
      terminal.columns?.(),
    ),
  );
}

function toJson({ pool, stack, inForce, limits, pause, drain }: PoolInForce) {
  const plain = ({ buffer, ...rest }: Limits) => ({ ...rest, buffer: bufferText(buffer, (count) => count) });
  return {
    pool: pool ?? null,
    ...plain(inForce),
    until: limits?.until.toISOString() ?? null,
    stack: plain(stack),
    drained_since: drain?.since.toISOString() ?? null,
    paused: pause ? { until: pause.until?.toISOString() ?? null, reason: pause.reason ?? null } : null,
  };
}

function bufferText<Count = string>(
  buffer: Limits["buffer"],
  ofCount: (count: number) => Count = (count) => String(count) as Count,
): Count | string {
  return typeof buffer === "number" ? ofCount(buffer) : `${buffer.percent}%`;
}

function pauseText({ until, reason }: PauseOverride): string {
  return visibleLine([until ? `until ${until.toISOString()}` : "until resumed", reason].filter(Boolean).join(": "));
}
