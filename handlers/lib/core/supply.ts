import type { Agent, AgentState } from "./model.ts";
import type { Policy } from "./policy.ts";
import { growthOf, type Traffic } from "./traffic.ts";

const none: Readonly<Record<AgentState, number>> = {
  ordered: 0,
  starting: 0,
  idle: 0,
  busy: 0,
  unclear: 0,
  unseen: 0,
  offline: 0,
  retiring: 0,
  failed: 0,
};

/** How many agents are in each state. */
export function countStates(agents: readonly Agent[]): Record<AgentState, number> {
  const count = { ...none };
  for (const agent of agents) count[agent.state] += 1;
  return count;
}

const supplying: ReadonlySet<AgentState> = new Set(["ordered", "starting", "idle", "busy", "unclear"]);

/** Whether an agent works, or can work now or soon. */
export function isSupply({ state }: Agent): boolean {
  return supplying.has(state);
}

/** A forecast of less than this part of a job needs no agent: a fleet with few jobs a day keeps none. */
const readyFrom = 1 / 3;

/** How many idle agents a policy keeps on top of its jobs: the buffer, or those for the jobs to come if they are more. */
export function idleWanted(policy: Policy, jobs: number, traffic: Traffic): number {
  const forecast = (growthOf(traffic) * policy.forecastPercent) / 100;
  return Math.max(bufferFor(policy, jobs), Math.ceil(forecast - readyFrom));
}

function bufferFor({ buffer }: Policy, jobs: number): number {
  return typeof buffer === "number" ? buffer : Math.ceil((jobs * buffer.percent) / 100);
}

/**
 * How many agents without a job the fleet keeps for good: the floor, or the buffer if it is larger. A buffer in percent
 * changes with the jobs, and agents that stay do not: so the part of it stays that the load of the last while asks for.
 *
 * @param jobs the present jobs
 * @param load the jobs of the last while, on average
 */
export function standingAgents(policy: Policy, jobs: number, load: number): number {
  const { buffer } = policy;
  const lasting = typeof buffer === "number" ? buffer : Math.round((load * buffer.percent) / 100);
  return clamp(Math.min(bufferFor(policy, jobs), lasting), policy.min, policy.max);
}

/** `value`, but not below `low` and not above `high`. */
export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
