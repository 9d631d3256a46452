import type { Baseline } from "./baselines/fleet.ts";
import { baselines } from "./baselines/index.ts";
import { InvariantError } from "./run.ts";
import { NotSimulatedError } from "./settings.ts";
import { TraceError } from "./trace-job.ts";

export { parseBoot } from "./boot.ts";
export { faults } from "./faults.ts";
export { poolOfQueue } from "./fleet.ts";
export { agentPrice } from "./prices.ts";
export { reportOf, tables } from "./report.ts";
export { run } from "./run.ts";
export { simulatedFleet } from "./settings.ts";
export { cutForSweep, sweep } from "./sweep.ts";
export { readTrace } from "./trace.ts";

/** The names of all policies: our loop, and the baselines. */
export const policyNames: readonly string[] = ["ours", ...baselines.map(({ name }) => name)];

/** The baseline of this name; `undefined`: our loop. */
export function baselineOf(policy: string): Baseline | undefined {
  return baselines.find(({ name }) => name === policy);
}

/** Whether the message of an error says all that its reader needs. */
export function isForUser(error: unknown): error is Error {
  return error instanceof InvariantError || error instanceof NotSimulatedError || error instanceof TraceError;
}
