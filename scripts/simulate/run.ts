import type { Policy } from "../../handlers/lib/core/policy.ts";
import { type Baseline, createBaselineFleet } from "./baselines/fleet.ts";
import { createTrouble, type Fault } from "./faults.ts";
import { feedJobs } from "./feed.ts";
import { startLoop } from "./loop/ours.ts";
import { createRecorder, type RunRecord } from "./recorder.ts";
import { forever, hour } from "./time.ts";
import { sampleSeconds } from "./timeline.ts";
import type { Trace } from "./trace-job.ts";
import { createEventClock } from "./world/event-clock.ts";
import { createFleetWorld } from "./world/fleet-world.ts";
import type { WorldEvent, WorldSettings } from "./world/model.ts";
import { createRandom } from "./world/random.ts";

/** The fleet of a config, as the simulator needs it. Times in seconds. */
export interface SimulatedFleet {
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** Whether a webhook wakes our loop. */
  readonly webhook: boolean;
}

/** One run: our loop, or a baseline, on a trace. */
export interface RunOptions {
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
  /** Of the policy's own functions. */
  readonly functions: { readonly invocations: number; readonly seconds: number; readonly failures: number };
}

/** Something that the loop must never do, whatever happens: DESIGN.md, "The control loop". */
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
 */
export async function run({ fleet, trace, baseline, seed, boot, faults, onProgress }: RunOptions): Promise<RunResult> {
  const clock = createEventClock();
  const random = createRandom(seed);
  const bootRandom = createRandom(seed + 1);
  const trouble = createTrouble(faults, clock, createRandom(seed + 2));
  const recorder = createRecorder(clock);
  const observers: ((event: WorldEvent) => void)[] = [recorder.observe];
  const { policy } = fleet;
  const settings: WorldSettings = {
    max: baseline ? Number.POSITIVE_INFINITY : policy.max,
    singleUse: baseline?.singleUse ?? policy.singleUse,
    departure: baseline ? "by-itself" : policy.departure,
    showsAgents: true,
    keepsRecords: baseline === undefined,
    idleTimeoutSeconds: baseline ? (baseline.idleTimeoutSeconds ?? forever) : fleet.idleTimeoutSeconds,
    maxLifetimeSeconds: baseline ? forever : fleet.maxLifetimeSeconds,
    registrationGraceSeconds: baseline ? forever : policy.registrationGraceSeconds,
    listingLagSeconds: [2, 5],
    slowestCallMs: 300,
    bootSeconds: () => boot(bootRandom) * trouble.bootFactor(),
    observe(event) {
      for (const observer of observers) observer(event);
    },
  };
  const world = createFleetWorld(clock, random, settings);
  world.trouble = trouble.tasks;
  trouble.haunt(world);
  const usage = baseline ? startBaseline(baseline) : startOurs();
  observers.push(feedJobs({ clock, world, jobs: trace.jobs }));

  const ends = trace.jobs.reduce((latest, { at, seconds }) => Math.max(latest, at + seconds), 0) + hour;
  while (clock.seconds < ends || (!isDone() && clock.seconds < ends + patienceSeconds)) {
    await clock.sleep(sampleSeconds * 1000);
    recorder.sample();
    if (!baseline && world.violations.length > 0) throw broken(world.violations, seed, trace);
    onProgress?.(Math.min(1, clock.seconds / ends));
  }
  const record = recorder.record();
  const days = clock.seconds / 24 / hour;
  clock.stop();
  return { policy: baseline?.name ?? "ours", days, ...record, functions: { failures: 0, ...usage } };

  function isDone(): boolean {
    return recorder.open === 0 && recorder.jobs === trace.jobs.length;
  }

  function startBaseline(policyOfOthers: Baseline) {
    const onCall = (to: "aws" | "vendor") => recorder.observe({ type: "called", to });
    const made = createBaselineFleet({ clock, random, world, min: policy.min, max: policy.max, trouble, onCall });
    observers.push(made.observe);
    policyOfOthers.start(made.fleet);
    return made.usage;
  }

  function startOurs() {
    const onAwsCall = () => recorder.observe({ type: "called", to: "aws" });
    const loop = startLoop({ clock, random, world, policy, tickSeconds: fleet.tickSeconds, trouble, onAwsCall });
    if (fleet.webhook) {
      observers.push((event) => {
        if (event.type !== "queued" && event.type !== "job-left") return;
        for (let left = trouble.deliveries(); left > 0; left -= 1) {
          clock.after(0.5 + random() * 1.5, () => {
            loop.usage.invocations += 1;
            loop.usage.seconds += webhookSeconds;
            loop.invoke({ by: "webhook" });
          });
        }
      });
    }
    return loop.usage;
  }
}

function broken(violations: readonly string[], seed: number, { name }: Trace): InvariantError {
  return new InvariantError(
    `the loop broke its promise on ${name} with --seed ${seed}: ${violations.slice(0, 5).join("; ")}`,
  );
}
