import { circuitAfter, failedOf, isTrialDue } from "./circuit.ts";
import { retireesOf } from "./departures.ts";
import { loadAfter } from "./load.ts";
import type { Agent, AgentRole, Decision, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { oldestFirst, removalComparisons } from "./removal-order.ts";
import { policiesOf, policyAt } from "./schedule.ts";
import { clamp, countStates, idleWanted, isSupply, standingAgents } from "./supply.ts";
import { trafficAfter } from "./traffic.ts";

/**
 * Observations in a row that must ask for fewer agents before the loop withdraws orders. An agent that has finished its
 * job counts as supply until it is gone, so for a while the fleet seems too large.
 */
export const withdrawAfterObservations = 6;

/** How many earlier observations {@link decide} needs. */
export function observationsToKeep({ scaleInAfterObservations }: Policy): number {
  return Math.max(scaleInAfterObservations, withdrawAfterObservations) - 1;
}

/**
 * The scaling decision: pure and total. It uses the whole snapshot, computes an absolute target and decides about the
 * difference. It keeps no counters, so a lost, doubled or late event changes nothing.
 *
 * @param always holds now: the stack's policy under an operator's overrides
 * @param deployed the stack's own policy, which holds again when they end
 */
export function decide(snapshot: Snapshot, always: Policy, now: Date, deployed: Policy = always): Decision {
  const policy = policyAt(always, now);
  const { demand, agents } = snapshot;
  const { busy, ordered } = countStates(agents);
  const working = snapshot.vendorShowsAgents ? busy : demand.running;
  const { expected = 0 } = demand;
  const jobs = working + demand.queued + expected;
  const traffic = trafficAfter(snapshot.traffic, { jobs, boots: snapshot.boots ?? [] }, now);
  const buffer = idleWanted(policy, jobs, traffic);
  const hedge = Math.floor((demand.queued * (policy.launchPercent - 100)) / 100);
  const needed = jobs + Math.max(hedge, buffer);
  const wanted = clamp(needed, policy.min, policy.max);
  const supply = agents.filter(isSupply).length;
  const circuit = circuitAfter(snapshot, policy, now);
  const circuitOpen = circuit.openSince !== undefined;
  const load = loadAfter(snapshot.load, jobs, now);
  // Nobody could end an agent without an idle timeout when its entry of the schedule or an operator's limits end.
  const lasting = policy.canRetire ? [policy] : [always, deployed].flatMap(policiesOf);
  const standing = Math.min(...lasting.map((each) => standingAgents(each, jobs, load.jobs)));
  const view: View = {
    snapshot,
    policy,
    standing,
    secondsSinceLaunch: secondsSinceNewestLaunch(agents, now),
    trialDue: isTrialDue(snapshot, circuit, policy, now),
    settled: {
      wanted,
      supply,
      circuitOpen,
      circuit,
      load,
      traffic,
      atCeiling: needed > policy.max,
      launch: [],
      retire: retireesOf(snapshot, policy, now, { isShort: wanted > supply, circuitOpen }),
      scaleIn: { count: 0, candidates: [] },
      // The next observation misses them, and launches what is still wanted.
      withdraw: circuitOpen ? 0 : Math.min(ordered, snapshot.ordersToMove ?? 0),
      discard: agents.filter(({ state, dead }) => state === "failed" && dead).slice(0, policy.maxRemovedPerTick),
      assignRoles: rolesToAssign(snapshot, policy, standing),
    },
  };
  if (!policy.enabled) return { ...hold(view, "scaling is switched off"), discard: [], withdraw: 0 };
  if (wanted > supply) {
    const coming = expected > 0 ? `, ${expected} expected` : "";
    const queued = `${demand.partial ? "at least " : ""}${demand.queued} queued`;
    const spare = hedge > buffer ? `${hedge} more for slow boots` : `buffer ${buffer}`;
    return scaleOut(view, `wanted ${wanted} (${working} working, ${queued}${coming}, ${spare})`);
  }
  if (wanted < supply) return scaleIn(view);
  return hold(view, `wanted ${wanted}, have ${supply}`);
}

interface View {
  readonly snapshot: Snapshot;
  readonly policy: Policy;
  /** See {@link standingAgents}. */
  readonly standing: number;
  readonly secondsSinceLaunch: number;
  /** Whether an open circuit lets one launch through. */
  readonly trialDue: boolean;
  /** The parts of the decision that do not depend on the action. */
  readonly settled: Omit<Decision, "action" | "reason">;
}

function hold({ settled }: View, reason: string): Decision {
  return { ...settled, action: "hold", reason };
}

function scaleOut(view: View, wish: string): Decision {
  const { settled, policy, snapshot } = view;
  const missing = settled.wanted - settled.supply;
  const failures = `circuit open, ${failedOf(snapshot.launches)} launches failed within the hour`;
  if (settled.circuitOpen && !view.trialDue) return hold(view, `${wish}: ${failures}`);
  if (snapshot.settling) return hold(view, `${wish}: waits until AWS shows what was withdrawn or launched elsewhere`);
  const cooling = view.secondsSinceLaunch < policy.scaleOutCooldownSeconds;
  const due = cooling ? policy.min - settled.supply : missing;
  if (due <= 0) return hold(view, `${wish}: scale-out cooldown of ${policy.scaleOutCooldownSeconds} s is running`);
  // Leaving and unseen agents still exist: the ceiling counts them.
  const room = policy.max - snapshot.agents.length;
  if (room <= 0) {
    return hold(view, `${wish}: no room under max ${policy.max} until agents are gone that leave or are not seen`);
  }
  const added = Math.min(due, room, settled.circuitOpen ? 1 : policy.maxAddedPerTick);
  return {
    ...settled,
    action: "scale-out",
    launch: rolesFor(added, snapshot, policy, view.standing),
    reason: `${wish}, have ${settled.supply}: add ${added}${settled.circuitOpen ? ` to try: ${failures}` : ""}`,
  };
}

function scaleIn(view: View): Decision {
  const { settled, policy, snapshot } = view;
  const { starting, ordered } = countStates(snapshot.agents);
  const state = `wanted ${settled.wanted}, have ${settled.supply}`;
  // Nothing runs on orders yet: they go first, without a cooldown.
  const withdraw = Math.max(settled.withdraw, Math.min(ordered, surplusOver(view, withdrawAfterObservations)));
  const withdrawing = { ...view, settled: { ...settled, withdraw } };
  const lasting = surplusOver(view, policy.scaleInAfterObservations);
  if (lasting === 0) {
    return hold(
      withdrawing,
      `${state}: scale in only after ${policy.scaleInAfterObservations} observations want fewer`,
    );
  }
  const said = withdraw > 0 ? `${state}: withdraw ${withdraw} orders` : state;
  if (policy.departure === "by-itself") return hold(withdrawing, `${said}: idle agents leave by themselves`);
  if (view.secondsSinceLaunch < policy.scaleInCooldownSeconds) {
    return hold(withdrawing, `${said}: scale-in cooldown of ${policy.scaleInCooldownSeconds} s is running`);
  }
  // A starting agent may never come, so no present agent leaves because of it.
  const going = new Set(settled.retire.map(({ agent }) => agent));
  const leaving = snapshot.agents.filter((agent) => agent.state === "idle" && going.has(agent)).length;
  const surplus = lasting - ordered - starting - leaving;
  if (surplus <= 0)
    return hold(withdrawing, `${said}: ${starting + ordered + leaving} of them still start or leave already`);
  const candidates = snapshot.agents
    .filter((agent) => agent.state === "idle" && !going.has(agent))
    .sort(removalComparisons[policy.removalOrder]);
  const count = Math.min(surplus, policy.maxRemovedPerTick, candidates.length);
  if (count === 0) return hold(withdrawing, `${said}: none is proven idle`);
  return {
    ...withdrawing.settled,
    action: "scale-in",
    scaleIn: { count, candidates },
    reason: `${said}: retire ${count}`,
  };
}

/** By how much the supply exceeds each of the last observations, this one included; 0 if there are too few. */
function surplusOver({ snapshot, settled }: View, observations: number): number {
  const earlier = observations - 1;
  const recent = earlier > 0 ? snapshot.recentlyWanted.slice(-earlier) : [];
  return recent.length < earlier ? 0 : Math.max(0, settled.supply - Math.max(settled.wanted, ...recent));
}

/**
 * Floor agents first, until the free ones equal those that stay. With fewer, agents would time out and be launched again for ever.
 */
function rolesFor(count: number, snapshot: Snapshot, policy: Policy, standing: number): AgentRole[] {
  const left = floorLeft(snapshot, policy);
  return Array.from({ length: count }, (_, index) => (left + index < standing ? "floor" : "burst"));
}

/**
 * Floor agents that are still free for future jobs. A busy single-use agent does not count; where the vendor hides
 * agents, assume that burst agents took the jobs first.
 */
function floorLeft({ agents, demand, vendorShowsAgents }: Snapshot, policy: Policy): number {
  const floor = agents.filter((agent) => agent.role === "floor" && isSupply(agent));
  if (!policy.singleUse) return floor.length;
  if (vendorShowsAgents) return floor.filter(({ state }) => state !== "busy").length;
  const burst = agents.filter(({ role, state }) => role === "burst" && state === "unclear");
  return clamp(floor.length - (demand.running - burst.length), 0, floor.length);
}

/** An agent that the loop retires needs no role, because it has no idle timeout. */
function rolesToAssign(snapshot: Snapshot, policy: Policy, standing: number): Decision["assignRoles"] {
  if (policy.departure === "by-retirement") return [];
  const without = snapshot.agents.filter((agent) => agent.role === undefined && isSupply(agent)).sort(oldestFirst);
  const roles = rolesFor(without.length, snapshot, policy, standing);
  return without.flatMap((agent, index) => {
    const role = roles[index];
    return role ? [{ agent, role }] : [];
  });
}

function secondsSinceNewestLaunch(agents: readonly Agent[], now: Date): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const agent of agents) newest = Math.max(newest, agent.launchedAt.getTime());
  return (now.getTime() - newest) / 1000;
}
