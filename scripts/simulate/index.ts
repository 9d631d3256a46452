import { presetNames } from "../../stacks/config/presets.ts";
import type { Baseline } from "./baselines/fleet.ts";
import { baselines } from "./baselines/index.ts";
import { InvariantError } from "./run.ts";
import { type ConfigurableFleet, NotSimulatedError, withPolicy } from "./settings.ts";
import { TraceError } from "./trace-job.ts";

export { agentPrice } from "../prices/compute.ts";
export { bootLimits, parseBoot } from "./boot.ts";
export { faults } from "./faults.ts";
export { poolOfQueue } from "./fleet.ts";
export { reportOf, tables } from "./report.ts";
export { run } from "./run.ts";
export { simulatedFleet } from "./settings.ts";
export { cutForSweep, sweep } from "./sweep.ts";
export { readTrace } from "./trace.ts";

/** The names of all policies: our loop with the config, and with each policy that a config can name, and the baselines. */
export const policyNames: readonly string[] = ["ours", ...presetNames, ...baselines.map(({ name }) => name)];

/** The fleet that a policy of this name runs with: the config's, unless it is one that a config can name. */
export function fleetFor<Fleet extends ConfigurableFleet>(policy: string, fleet: Fleet): Fleet {
  const preset = presetNames.find((name) => name === policy);
  return preset ? withPolicy(fleet, preset) : fleet;
}

/** The baseline of this name; `undefined`: a policy of our loop. */
export function baselineOf(policy: string): Baseline | undefined {
  return baselines.find(({ name }) => name === policy);
}

/** Whether the message of an error says all that its reader needs. */
export function isForUser(error: unknown): error is Error {
  return error instanceof InvariantError || error instanceof NotSimulatedError || error instanceof TraceError;
}
