import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { parseBoot } from "../../../scripts/simulate/boot.ts";
import type { Fault } from "../../../scripts/simulate/faults.ts";
import type { SimulatedFleet } from "../../../scripts/simulate/fleet.ts";
import { baselineOf } from "../../../scripts/simulate/index.ts";
import { type RunOptions, type RunResult, run } from "../../../scripts/simulate/run.ts";
import type { TraceJob } from "../../../scripts/simulate/trace-job.ts";
import { policyOf } from "../../fixtures/policy.ts";

/** A run of a test. Left out: the policy `ours`, of a fleet that a webhook wakes, without faults. */
export interface Given {
  readonly policy?: string;
  readonly rules?: Partial<Policy>;
  readonly jobs: readonly TraceJob[];
  readonly seed?: number;
  readonly boot?: string;
  readonly faults?: readonly Fault[];
  readonly webhook?: boolean;
  /** What else differs in the fleet. */
  readonly fleet?: Partial<SimulatedFleet>;
  readonly idleTimeoutSeconds?: number;
  readonly onProgress?: RunOptions["onProgress"];
}

/** Runs one policy on these jobs. */
export function simulate(given: Given): Promise<RunResult> {
  const { policy = "ours", rules, jobs, seed = 1, boot = "45s", faults = [], webhook = true, onProgress } = given;
  const { idleTimeoutSeconds = 300 } = given;
  return run({
    fleet: {
      policy: policyOf({ max: 20, ...rules }),
      tickSeconds: 10,
      idleTimeoutSeconds,
      maxLifetimeSeconds: 86_400,
      webhook,
      ...given.fleet,
    },
    trace: { name: "test", jobs },
    baseline: baselineOf(policy),
    seed,
    boot: parseBoot(boot) ?? (() => Number.NaN),
    faults: new Set(faults),
    onProgress,
  });
}

/** So many jobs at the same time. */
export function burst(count: number, { at = 0, seconds = 120 } = {}): TraceJob[] {
  return Array.from({ length: count }, () => ({ at, seconds }));
}

/** Hours of jobs: one every few minutes, and a burst now and then. */
export const someHours: readonly TraceJob[] = Array.from({ length: 24 }, (_, index) => ({
  at: Math.floor(index / 2) * 240 + (index % 2) * 7,
  seconds: 30 + ((index * 97) % 400),
}));
