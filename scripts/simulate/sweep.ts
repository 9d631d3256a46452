import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { SimulatedFleet } from "./fleet.ts";
import { type RunOptions, type RunResult, run } from "./run.ts";
import type { Trace } from "./trace-job.ts";

/** The settings of `agents` that a sweep varies. Seconds are whole. */
export interface SweepSettings {
  readonly min: number;
  readonly buffer: Policy["buffer"];
  readonly idleTimeoutSeconds: number;
  readonly singleUse: boolean;
}

/** One run of a sweep. */
export interface SweepPoint {
  readonly settings: SweepSettings;
  /** Whether these are the settings of the config. */
  readonly isOwn: boolean;
  readonly result: RunResult;
}

/** Runs of a sweep on a trace of more jobs would take minutes. */
export const sweptJobs = 1000;

/** The first jobs of a trace, at most {@link sweptJobs}. */
export function cutForSweep(trace: Trace): Trace {
  return { ...trace, jobs: trace.jobs.slice(0, sweptJobs) };
}

/** The config's own settings. */
export function settingsOf({ policy: { min, buffer, singleUse }, idleTimeoutSeconds }: SimulatedFleet): SweepSettings {
  return { min, buffer, idleTimeoutSeconds, singleUse };
}

/**
 * The settings to try, the config's own first: every combination of its values and some others. Where the loop retires
 * agents, they have no idle timeout, and single use is no choice.
 */
export function sweepOf(fleet: SimulatedFleet): readonly SweepSettings[] {
  const own = settingsOf(fleet);
  const { max, departure } = fleet.policy;
  const isFree = departure === "by-itself";
  const fits = (size: number) => size <= max;
  const all = distinct([own.buffer, ...[0, 1, 3, 6].filter(fits)]).flatMap((buffer) =>
    distinct([own.min, ...[0, 2].filter(fits)]).flatMap((min) =>
      distinct([own.idleTimeoutSeconds, ...(isFree ? [60, 600] : [])]).flatMap((idleTimeoutSeconds) =>
        distinct([own.singleUse, ...(isFree ? [true, false] : [])]).map(
          (singleUse): SweepSettings => ({ min, buffer, idleTimeoutSeconds, singleUse }),
        ),
      ),
    ),
  );
  const isOwn = (settings: SweepSettings) => JSON.stringify(settings) === JSON.stringify(own);
  return [own, ...all.filter((settings) => !isOwn(settings))];
}

/**
 * Runs our loop with each of the settings.
 *
 * @param onRun is called before each run, with the number of those that are done
 * @throws {InvariantError} where our loop breaks a promise
 */
export async function sweep(
  options: Omit<RunOptions, "baseline" | "onProgress">,
  onRun: (done: number, of: number) => void,
): Promise<readonly SweepPoint[]> {
  const { fleet } = options;
  const points: SweepPoint[] = [];
  const tried = sweepOf(fleet);
  for (const [done, settings] of tried.entries()) {
    onRun(done, tried.length);
    const { idleTimeoutSeconds, ...rules } = settings;
    const changed = { ...fleet, policy: { ...fleet.policy, ...rules }, idleTimeoutSeconds };
    points.push({ settings, isOwn: done === 0, result: await run({ ...options, fleet: changed }) });
  }
  return points;
}

function distinct<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)];
}
