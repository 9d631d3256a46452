import type { Command } from "commander";
import { overrideForms, overrideId } from "../../../handlers/lib/core/overrides.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { type LoadedStack, loadStack } from "../../../stacks/config/load.ts";
import { followDrain } from "../drain/follow.ts";
import type { Look } from "../drain/look.ts";
import { leavingOf } from "../drain/waits.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { secondsOf } from "../lib/duration.ts";
import { explain, UserError } from "../lib/errors.ts";
import { type FleetTable, tableOf } from "../lib/fleet-table.ts";
import { type FleetInForce, type PoolInForce, poolIn, readInForce } from "../lib/in-force.ts";
import { endDrains } from "../lib/override-rows.ts";
import { table, type Ui } from "../lib/ui.ts";

interface Options {
  readonly pool?: string;
  readonly timeout: string;
  readonly undo?: true;
}

/** `fleet drain`. */
export function addDrainCommand(program: Command, context: Context): void {
  program
    .command("drain")
    .summary("take a whole fleet down without killing a job")
    .description(
      "Lets no new agent start, and has the loop take out each one that is there: it takes no more jobs, and goes when " +
        "the vendor or its own machine proves that it has none. Ends no machine itself. Waits until AWS shows no machine " +
        "of the fleet, and says what each one that is left waits for. Ctrl-C ends the waiting, not the drain: the same " +
        "command waits again, --undo or fleet resume ends the drain. Do not deploy the stack meanwhile. Needs " +
        "dynamodb:Query, PutItem and DeleteItem on the table <stack>-settings and GetItem on <stack>-state, the reading " +
        "rights of fleet status, and autoscaling:UpdateAutoScalingGroup for a group with a floor.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--pool <key>", "one pool of several; left out: the whole fleet")
    .option("--timeout <time>", "how long to wait, such as 90m or 2h; the drain itself has no end", "2h")
    .option("--undo", "end the drain: the fleet launches agents again")
    .addHelpText(
      "after",
      "\nExamples:\n  fleet drain ci-agents\n  fleet drain ci-agents --pool linux --timeout 6h\n" +
        "  fleet --json drain ci-agents --timeout 1m\n  fleet drain ci-agents --undo",
    )
    .action((name: string, options: Options, command: Command) => runDrain(context, name, options, command));
}

async function runDrain(context: Context, name: string, options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const loaded = loadStack(name, context);
  const fleet = tableOf(loaded);
  const timeoutSeconds = secondsOf("--timeout", options.timeout);
  const read = () => readInForce(fleet, context.clock.now());
  const before = await ui.during(`Reading the settings of ${name}`, read);
  const key = options.pool === undefined ? undefined : poolIn(before, fleet, options.pool).pool;
  if (options.undo) return undo(ui, fleet, before, key);

  const pools = poolsToDrain(before, fleet, key);
  await begin(context, ui, fleet, before, key);
  const look = await lookerAt(context, loaded, fleet, key, pools, ui.note);
  const { ending, last } = await ui.watch(`Draining ${whole(name, key)}`, (step, interrupted) =>
    followDrain(look, { clock: context.clock, timeoutSeconds, step, interrupted }),
  );
  show(ui, name, key, ending === "drained", last);
  const hint = `The drain goes on. To wait again: ${call(name, key)}. To end it: ${call(name, key)} --undo`;
  if (ending === "interrupted") throw new UserError("Interrupted.", hint);
  if (ending === "timeout") {
    const what = last.left.length === 0 ? "The loop has not confirmed the drain" : `${last.left.length} are left`;
    throw new UserError(`${what} after ${options.timeout}.`, hint);
  }
}

/** The pools that the command is about. Throws {@link UserError} for one that the loop would not drain. */
function poolsToDrain(found: FleetInForce, fleet: FleetTable, key: string | undefined): readonly PoolInForce[] {
  const { stack } = fleet;
  if (key === undefined) {
    const bad = found.trouble.find(({ row }) => row.startsWith("pool "));
    if (bad) {
      throw new UserError(
        visibleLine(`The row "${bad.row}" cannot be used, so the loop drains nothing of it: ${bad.trouble}`),
        `Deploy the stack again (fleet deploy ${stack}). Nothing was changed.`,
      );
    }
  }
  const pools = key === undefined ? found.pools : [poolIn(found, fleet, key)];
  const still = (pool: string | undefined) => (pool === undefined ? stack : `pool ${pool} of ${stack}`);
  for (const { pool, pause, settings } of pools) {
    if (pause) {
      throw new UserError(
        `${still(pool)} is paused, so the loop retires nobody.`,
        `End the pause first: fleet resume ${stack}. Nothing was changed.`,
      );
    }
    if (!settings.policy.enabled) {
      throw new UserError(
        `${still(pool)} has scaling.enabled: false, so the loop retires nobody.`,
        "Set it to true and deploy. Nothing was changed.",
      );
    }
  }
  return pools;
}

/** Writes the drain, unless it holds already. */
async function begin(
  context: Context,
  ui: Ui,
  fleet: FleetTable,
  { pools, overrides }: FleetInForce,
  key: string | undefined,
): Promise<void> {
  const holds = pools.filter(({ pool }) => key === undefined || pool === key).every(({ drain }) => drain !== undefined);
  if (holds) return ui.note(`${whole(fleet.stack, key)} is being drained already.`);
  const id = overrideId("drain", key);
  const document = JSON.stringify(overrideForms.drain.encode({ since: context.clock.now() }));
  const { putOverride } = await import("../lib/override-store.ts");
  await putOverride(fleet, { id, seen: overrides.get(id), document });
}

/** Each look also sees to it that no Auto Scaling group keeps instances by itself: a deployment would have it do so. */
async function lookerAt(
  context: Context,
  { config }: LoadedStack,
  fleet: FleetTable,
  key: string | undefined,
  pools: readonly PoolInForce[],
  note: (text: string) => void,
): Promise<() => Promise<Look>> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { createWatchedPools } = await import("../drain/pool.ts");
  const { setGroupFloor } = await import("../drain/group-floor.ts");
  const { lookAt } = await import("../drain/look.ts");
  const watch = createWatchedPools(fleet, context.clock);
  const watched = pools.map(({ pool, settings }) => ({
    watched: watch(pool, settings),
    leaving: leavingOf(config, settings.policy),
  }));
  let paused = false;
  return async () => {
    const now = await readInForce(fleet, context.clock.now());
    const since = new Map(now.pools.map(({ pool, drain }) => [pool, drain?.since]));
    const still = watched.map((each) => {
      const begun = since.get(each.watched.pool);
      if (begun) return { ...each, since: begun };
      throw new UserError(
        `Somebody has ended the drain of ${whole(fleet.stack, each.watched.pool)}.`,
        `To begin it again: ${call(fleet.stack, key)}`,
      );
    });
    const holding = now.pools.some(({ pool, pause }) => pause && pools.some((each) => each.pool === pool));
    if (holding && !paused) {
      note(
        `Somebody has paused ${fleet.stack}: the loop retires nobody. fleet resume ends that and the drain; drain again then.`,
      );
    }
    paused = holding;
    for (const { settings } of pools) await lower(() => setGroupFloor(fleet, settings, "none"), fleet.stack);
    return lookAt(still, context.clock);
  };
}

async function lower(change: () => Promise<boolean>, stack: string): Promise<void> {
  try {
    await change();
  } catch (error) {
    throw new UserError(
      `The drain has begun, but the Auto Scaling group keeps its floor: ${explain(error).error}`,
      `It needs autoscaling:DescribeAutoScalingGroups and UpdateAutoScalingGroup. Then: fleet drain ${stack}`,
    );
  }
}

async function undo(ui: Ui, fleet: FleetTable, before: FleetInForce, key: string | undefined): Promise<void> {
  const ended = await ui.during(`Ending the drain of ${whole(fleet.stack, key)}`, () => endDrains(fleet, before, key));
  ui.result(
    { stack: fleet.stack, pool: key ?? null, ended },
    ended
      ? `${whole(fleet.stack, key)} launches agents again within a minute. Agents whose retirement runs still leave.`
      : `${whole(fleet.stack, key)} was not being drained.`,
  );
}

function show(ui: Ui, stack: string, key: string | undefined, drained: boolean, { left, loopKnows }: Look): void {
  const rows = left.map(({ agent, pool, state, waits_for: wait }) =>
    [agent, pool ?? "-", state, wait].map(visibleLine),
  );
  ui.result(
    { stack, pool: key ?? null, drained, loop_knows: loopKnows, left },
    drained
      ? `${whole(stack, key)} has no machine left. It stays so until fleet drain ${stack} --undo, or fleet destroy ${stack}.`
      : table(["Agent", "Pool", "State", "Waits for"], rows),
  );
}

function call(stack: string, key: string | undefined): string {
  return `fleet drain ${stack}${key ? ` --pool ${key}` : ""}`;
}

function whole(stack: string, key: string | undefined): string {
  return key === undefined ? stack : `pool ${key} of ${stack}`;
}
