import type { LoadedStack } from "../../stacks/config/load.ts";
import * as simulator from "../simulate/index.ts";
import { type ComparedPolicy, type ComparedTrace, policies, type Run } from "./figures.ts";

/** The conditions of all runs. */
export interface Conditions {
  readonly stack: LoadedStack;
  readonly seed: number;
  readonly boot: string;
  /** The log of jobs of `nasa`. */
  readonly swf?: string | undefined;
}

/** Runs policies on a trace, one after another. @param onRun is told each result */
export async function measureTrace(
  { stack, seed, boot: bootText, swf }: Conditions,
  { name, max }: ComparedTrace,
  chosen: readonly ComparedPolicy[] = policies,
  onRun: (policy: ComparedPolicy, run: Run) => void = () => {},
): Promise<Record<string, Run>> {
  const boot = simulator.parseBoot(bootText);
  if (!boot) throw new Error(`${bootText} is no boot time`);
  const trace = simulator.readTrace({ trace: swf ?? `synthetic:${name}`, seed });
  const usual = simulator.simulatedFleet(stack, max);
  const prices = usual.machines.map((machine) => simulator.agentPrice(machine));
  const runs: Record<string, Run> = {};
  for (const compared of chosen) {
    const { policy, key, webhook } = compared;
    const fleet = simulator.fleetFor(policy, { ...usual, webhook });
    const baseline = simulator.baselineOf(policy);
    const result = await simulator.run({ name: policy, fleet, baseline, trace, seed, boot, faults: new Set() });
    const { wait_seconds, agent_hours, killed, never_served, functions } = simulator.reportOf(result, prices);
    runs[key] = {
      wait: Math.round(wait_seconds.p95),
      hours: Math.round(agent_hours.idle + agent_hours.boot),
      killed,
      unserved: never_served,
      functions: Math.round(functions.seconds_per_day),
    };
    onRun(compared, runs[key]);
  }
  return runs;
}
