import type { Agent, AgentState, Retiree, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { oldestFirst } from "./removal-order.ts";
import { countStates, standingAgents } from "./supply.ts";

/**
 * The agents that must leave at any demand, one reason each. The retirement workflow asks for proof before it ends
 * them.
 *
 * Instances that AWS's termination hook holds come first and without limit: without a retirement, their jobs end with
 * the hook. All others are limited, so that one misleading answer cannot empty a fleet.
 *
 * @param isShort whether the fleet has fewer agents than wanted: then no agent is replaced for its age or settings. So
 * a broken new template costs one batch of old instances, not the fleet.
 * @param circuitOpen whether launches fail so often that the loop has stopped them
 */
export function retireesOf(
  snapshot: Snapshot,
  policy: Policy,
  now: Date,
  { isShort, circuitOpen }: { readonly isShort: boolean; readonly circuitOpen: boolean },
): Retiree[] {
  if (!policy.canRetire) return [];
  const { agents, vendorShowsAgents } = snapshot;
  const inState = (...states: readonly AgentState[]) => agents.filter(({ state }) => states.includes(state));
  const held = reasoned(
    agents.filter((agent) => agent.held),
    "terminating",
  );
  if (!policy.enabled) return held;
  const drained = agents.filter((agent) => agent.drained);
  const others = [
    ...reasoned(neverRegistered(snapshot, policy, circuitOpen), "never-registered"),
    ...reasoned(inState("offline"), "offline"),
    // If the vendor does not list agents, the workflow asks the machine itself.
    ...reasoned(vendorShowsAgents ? [] : inState("unseen"), "unseen"),
    ...reasoned(surplus(snapshot, policy), "surplus"),
    ...(isShort ? [] : renewals(snapshot, policy, now)),
  ];
  return distinct([
    ...held,
    ...reasoned(drained.slice(0, policy.maxRemovedPerTick), "drained"),
    ...others.slice(0, policy.maxRemovedPerTick),
  ]);
}

function reasoned(agents: readonly Agent[], reason: Retiree["reason"]): Retiree[] {
  return agents.map((agent) => ({ agent, reason }));
}

function distinct(retirees: readonly Retiree[]): Retiree[] {
  const seen = new Set<Agent>();
  return retirees.filter(({ agent }) => !seen.has(agent) && seen.add(agent));
}

/**
 * A group at its floor replaces each leaving instance. While the circuit is open, such instances stay: replacements
 * would fail, too, and the boot program powers the instance off after a while.
 */
function neverRegistered({ agents }: Snapshot, { min }: Policy, circuitOpen: boolean): Agent[] {
  const failed = agents.filter(({ state, dead }) => state === "failed" && !dead).sort(oldestFirst);
  const staying = agents.filter(({ state }) => state !== "retiring").length;
  return circuitOpen ? failed.slice(0, Math.max(0, staying - min)) : failed;
}

/**
 * Agents that are too many. In a pool that may have none, as under a drain, all of them: each takes no more jobs, and
 * goes when it has none. Else floor agents, and only while there are no jobs: then all agents are idle, listed or not.
 */
function surplus({ agents, demand }: Snapshot, policy: Policy): Agent[] {
  if (policy.max === 0) return agents.filter(canBeDrained).sort(idleFirst);
  if (policy.departure === "by-retirement" || demand.queued + demand.running > 0) return [];
  const idle = agents.filter(({ role, state }) => role === "floor" && (state === "idle" || state === "unclear"));
  return idle.sort(oldestFirst).slice(0, Math.max(0, idle.length - standingAgents(policy, 0, 0)));
}

/**
 * Agents that the workflow can drain. Busy agents finish their job first. Idle ones come first: no job waits for them.
 */
const drainable: readonly AgentState[] = ["idle", "unclear", "busy"];

function canBeDrained({ state }: Agent): boolean {
  return drainable.includes(state);
}

function idleFirst(a: Agent, b: Agent): number {
  return drainable.indexOf(a.state) - drainable.indexOf(b.state) || oldestFirst(a, b);
}

/**
 * Agents to replace: too old, or launched from older settings. The policy limits how many at a time, including those
 * that leave or start already, so that a fleet is renewed without being empty.
 */
function renewals({ agents }: Snapshot, policy: Policy, now: Date): Retiree[] {
  const { maxLifetimeSeconds, renewAtOncePercent } = policy;
  const bornBefore =
    maxLifetimeSeconds === undefined ? Number.NEGATIVE_INFINITY : now.getTime() - maxLifetimeSeconds * 1000;
  const due = agents
    .filter(canBeDrained)
    .flatMap((agent): Retiree[] => {
      if (agent.launchedAt.getTime() < bornBefore) return [{ agent, reason: "too-old" }];
      return renewAtOncePercent !== undefined && agent.outdated ? [{ agent, reason: "outdated" }] : [];
    })
    .sort(({ agent: a }, { agent: b }) => idleFirst(a, b));
  const { starting, ordered, retiring } = countStates(agents);
  const atOnce = Math.max(1, Math.floor((agents.length * (renewAtOncePercent ?? 0)) / 100));
  return due.slice(0, Math.max(0, atOnce - starting - ordered - retiring));
}
