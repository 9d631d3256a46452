import type { Agent, AgentState, Retiree, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { oldestFirst } from "./removal-order.ts";
import { countStates, standingAgents } from "./supply.ts";

/**
 * The agents that must leave whatever the demand, one reason each. The retirement workflow asks for proof before it ends
 * any of them.
 *
 * Instances that AWS's termination hook holds come first and without limit: their jobs end with the hook if nobody
 * waits for them. All others are limited, so that one misleading answer cannot empty a fleet.
 *
 * @param isShort whether fewer agents are there than wanted: then none is replaced only for its age or settings. So a new
 * template whose instances never work costs one batch of old instances, not the fleet.
 * @param circuitOpen whether launches fail so often that no more are tried
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
    // Where the vendor shows no agents, the workflow asks the machine itself.
    ...reasoned(vendorShowsAgents ? [] : inState("unseen"), "unseen"),
    ...reasoned(surplusFloor(snapshot, policy), "surplus"),
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
 * A group at its floor replaces each that goes. While the circuit is open those stay: their replacements would fail as
 * well, and their own boot program powers them off after a while.
 */
function neverRegistered({ agents }: Snapshot, { min }: Policy, circuitOpen: boolean): Agent[] {
  const failed = agents.filter(({ state, dead }) => state === "failed" && !dead).sort(oldestFirst);
  const staying = agents.filter(({ state }) => state !== "retiring").length;
  return circuitOpen ? failed.slice(0, Math.max(0, staying - min)) : failed;
}

/** Only while no job is anywhere: then all are idle, whether the vendor shows them or not. */
function surplusFloor({ agents, demand }: Snapshot, policy: Policy): Agent[] {
  if (policy.departure === "by-retirement" || demand.queued + demand.running > 0) return [];
  const idle = agents.filter(({ role, state }) => role === "floor" && (state === "idle" || state === "unclear"));
  return idle.sort(oldestFirst).slice(0, Math.max(0, idle.length - standingAgents(policy)));
}

/** Agents that can be drained; busy ones finish their job first. Idle ones go first, because they cost nobody anything. */
const renewable: readonly AgentState[] = ["idle", "unclear", "busy"];

/**
 * Agents to be replaced by younger ones: too old, or launched from settings that the fleet no longer has. So many at a
 * time as the policy allows, those that leave or start already included, so that a fleet is renewed without being empty.
 */
function renewals({ agents }: Snapshot, policy: Policy, now: Date): Retiree[] {
  const { maxLifetimeSeconds, renewAtOncePercent } = policy;
  const bornBefore =
    maxLifetimeSeconds === undefined ? Number.NEGATIVE_INFINITY : now.getTime() - maxLifetimeSeconds * 1000;
  const due = agents
    .filter(({ state }) => renewable.includes(state))
    .flatMap((agent): Retiree[] => {
      if (agent.launchedAt.getTime() < bornBefore) return [{ agent, reason: "too-old" }];
      return renewAtOncePercent !== undefined && agent.outdated ? [{ agent, reason: "outdated" }] : [];
    })
    .sort(({ agent: a }, { agent: b }) => renewable.indexOf(a.state) - renewable.indexOf(b.state) || oldestFirst(a, b));
  const { starting, ordered, retiring } = countStates(agents);
  const atOnce = Math.max(1, Math.floor((agents.length * (renewAtOncePercent ?? 0)) / 100));
  return due.slice(0, Math.max(0, atOnce - starting - ordered - retiring));
}
