import { type Baseline, createBaselineFleet } from "./baselines/fleet.ts";
import { createTrouble, type Fault } from "./faults.ts";
import { feedJobs } from "./feed.ts";
import { type PoolOfFleet, poolOfQueue, poolsOf, type SimulatedFleet } from "./fleet.ts";
import { createNotified } from "./loop/notified.ts";
import { startLoop } from "./loop/ours.ts";
import { createMachineHours } from "./machine-hours.ts";
import { createPool, createTasks } from "./pool.ts";
import { createRecorder, type RunRecord } from "./recorder.ts";
import { forever, hour } from "./time.ts";
import { sampleSeconds } from "./timeline.ts";
import { type Trace, TraceError, type TraceJob } from "./trace-job.ts";
import { createEventClock } from "./world/event-clock.ts";
import type { SeenAgent, WorldEvent } from "./world/model.ts";
import { createRandom } from "./world/random.ts";

/** One run: our loop, or a baseline, on a trace. */
export interface RunOptions {
  /** What reports call it. Left out: the baseline's name, or `ours`. */
  readonly name?: string | undefined;
  readonly fleet: SimulatedFleet;
  readonly trace: Trace;
  /** Left out: our loop. */
  readonly baseline?: Baseline | undefined;
  readonly seed: number;
  readonly boot: (random: () => number) => number;
  readonly faults: ReadonlySet<Fault>;
  /** Is told now and then how much of the trace's time has gone by, from 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** What a run came to. */
export interface RunResult extends RunRecord {
  readonly policy: string;
  readonly days: number;
  /** Of each pool's machines, from launch to end. */
  readonly machineHours: readonly number[];
  /** Of the policy's own functions. */
  readonly functions: { readonly invocations: number; readonly seconds: number; readonly failures: number };
}

/** Something that the loop must never do, whatever happens (docs/how-it-works.md). */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** A job that does not begin within this time after the trace's end is never served. */
const patienceSeconds = 24 * hour;
/** Time for the webhook's own function: assumed. */
const webhookSeconds = 0.15;

/**
 * Runs one policy on one trace, until an hour after the last job could end at the earliest, and until all jobs are done
 * that are within a day. The same seed gives the same run.
 *
 * @throws {InvariantError} where our loop breaks a promise
 * @throws {TraceError} where a job's queue is no pool
 */
export async function run(options: RunOptions): Promise<RunResult> {
  const { fleet, trace, baseline, seed, boot, faults, onProgress } = options;
  const stray = trace.jobs.find(({ queue }) => poolOfQueue(fleet, queue) === undefined);
  if (stray) throw new TraceError(`${trace.name}: no pool of the fleet is queue ${stray.queue}`);
  const clock = createEventClock();
  const random = createRandom(seed);
  const bootRandom = createRandom(seed + 1);
  const trouble = createTrouble(faults, clock, createRandom(seed + 2));
  const recorder = createRecorder(clock);
  const observers: ((event: WorldEvent<SeenAgent>) => void)[] = [recorder.observe];
  const pools = poolsOf(fleet);
  const machineHours = pools.map(() => createMachineHours(clock));
  const { worlds, usage } = baseline ? startBaseline(baseline) : startOurs();
  observers.push(feedJobs({ clock, worldOf, jobs: trace.jobs }));

  const ends = trace.jobs.reduce((latest, { at, seconds }) => Math.max(latest, at + seconds), 0) + hour;
  while (clock.seconds < ends || (!isDone() && clock.seconds < ends + patienceSeconds)) {
    await clock.sleep(sampleSeconds * 1000);
    recorder.sample();
    const violations = baseline ? [] : worlds.flatMap((world) => world.violations);
    if (violations.length > 0) throw broken(violations, seed, trace);
    onProgress?.(Math.min(1, clock.seconds / ends));
  }
  const record = recorder.record();
  const days = clock.seconds / 24 / hour;
  clock.stop();
  return {
    policy: options.name ?? baseline?.name ?? "ours",
    days,
    ...record,
    machineHours: machineHours.map(({ hours }) => hours()),
    functions: { failures: 0, ...usage },
  };

  function isDone(): boolean {
    return recorder.open === 0 && recorder.jobs === trace.jobs.length;
  }

  function worldOf({ queue }: TraceJob) {
    const world = worlds[poolOfQueue(fleet, queue) ?? 0];
    if (!world) throw new Error("a fleet has a pool");
    return world;
  }

  /** Tells all who look at this pool. */
  function observerOf<Event extends WorldEvent<SeenAgent>>(pool: number, own: ((event: Event) => void)[] = []) {
    return (event: Event) => {
      machineHours[pool]?.observe(event);
      for (const observer of observers) observer(event);
      for (const observer of own) observer(event);
    };
  }

  function optionsOf({ name, policy }: PoolOfFleet) {
    const bootSeconds = () => boot(bootRandom) * trouble.bootFactor();
    return { name, policy, clock, random, trouble, bootSeconds };
  }

  function startBaseline(policyOfOthers: Baseline) {
    const onCall = (to: "aws" | "vendor") => recorder.observe({ type: "called", to });
    const all = pools.map((pool, index) => {
      const { min, max } = pool.policy;
      const own: ((event: WorldEvent) => void)[] = [];
      const world = createTasks(
        fleet.place?.type === "hosts" ? fleet.place : { type: "tasks" },
        {
          ...optionsOf(pool),
          idleTimeoutSeconds: policyOfOthers.idleTimeoutSeconds ?? forever,
          maxLifetimeSeconds: forever,
          observe: observerOf(index, own),
        },
        {
          max: Number.POSITIVE_INFINITY,
          singleUse: policyOfOthers.singleUse,
          departure: "by-itself",
          keepsRecords: false,
          registrationGraceSeconds: forever,
        },
      );
      const made = createBaselineFleet({ clock, random, world, min, max, trouble, onCall });
      own.push(made.observe);
      policyOfOthers.start(made.fleet);
      return { world, ...made };
    });
    const total = (of: "invocations" | "seconds") => all.reduce((sum, each) => sum + each.usage[of], 0);
    return {
      worlds: all.map(({ world }) => world),
      usage: {
        get invocations() {
          return total("invocations");
        },
        get seconds() {
          return total("seconds");
        },
      },
    };
  }

  function startOurs() {
    const onAwsCall = () => recorder.observe({ type: "called", to: "aws" });
    const { idleTimeoutSeconds, maxLifetimeSeconds } = fleet;
    const own = pools.map((pool, index) =>
      createPool(fleet.place ?? { type: "tasks" }, {
        ...optionsOf(pool),
        idleTimeoutSeconds,
        maxLifetimeSeconds,
        observe: observerOf(index),
      }),
    );
    const wake = () => {
      loop.usage.invocations += 1;
      loop.usage.seconds += webhookSeconds;
      loop.invoke({ by: "webhook" });
    };
    const runSeconds = fleet.notifiedRunSeconds;
    const onFailure = (why: unknown) => own[0]?.world.violations.push(`a notification was not taken: ${why}`);
    const notified =
      runSeconds === undefined
        ? undefined
        : createNotified({ clock, random, trouble, runSeconds, wake, onAwsCall, onFailure });
    const all = own.map((pool) => ({ ...pool, ...(notified && { vendor: notified.vendor }) }));
    const { tickSeconds, listsRuns = false } = fleet;
    const onPage = () => recorder.observe({ type: "called", to: "vendor" });
    const loop = startLoop({ clock, random, pools: all, tickSeconds, trouble, onAwsCall, listsRuns, onPage });
    if (notified) observers.push(notified.observe);
    else if (fleet.webhook) {
      const told: ReadonlySet<WorldEvent["type"]> = new Set(
        fleet.tellsQueuedOnly ? ["queued"] : ["queued", "job-left"],
      );
      observers.push((event) => {
        if (!told.has(event.type)) return;
        for (let left = trouble.deliveries(); left > 0; left -= 1) clock.after(0.5 + random() * 1.5, wake);
      });
    }
    return { worlds: own.map(({ world }) => world), usage: loop.usage };
  }
}

function broken(violations: readonly string[], seed: number, { name }: Trace): InvariantError {
  return new InvariantError(
    `the loop broke its promise on ${name} with --seed ${seed}: ${violations.slice(0, 5).join("; ")}`,
  );
}
