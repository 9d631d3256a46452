import type { Agent, AgentRole, AgentState, Decision, Snapshot } from "./model.ts";
import type { Policy } from "./policy.ts";
import { oldestFirst, removalComparisons } from "./removal-order.ts";

/**
 * The scaling decision: pure and total. It looks at everything, computes an absolute target and says what to do about
 * the difference; nothing is counted up and down, so a lost, doubled or late event changes nothing.
 */
export function decide(snapshot: Snapshot, policy: Policy, now: Date): Decision {
  const { demand, agents } = snapshot;
  const count = countStates(agents);
  const working = snapshot.vendorShowsAgents ? count.busy : demand.running;
  const { expected = 0 } = demand;
  const jobs = working + demand.queued + expected;
  const buffer = bufferFor(policy, jobs);
  const needed = jobs + buffer;
  const wanted = clamp(needed, policy.min, policy.max);
  const supply = count.starting + count.idle + count.busy + count.unclear;
  const view: View = {
    snapshot,
    policy,
    secondsSinceLaunch: secondsSinceNewestLaunch(agents, now),
    settled: {
      wanted,
      supply,
      circuitOpen: snapshot.failedLaunchesLastHour >= policy.maxFailedLaunchesPerHour,
      atCeiling: needed > policy.max,
      launch: [],
      retire: [],
      resume: agents.filter((agent) => agent.stranded).slice(0, policy.maxRemovedPerTick),
      dismiss: toDismiss(snapshot, policy, now),
      assignRoles: rolesToAssign(snapshot, policy),
      stop: agents
        .filter((agent) => agent.state === "offline" && !(policy.canRetire && hasRegistered(agent)))
        .sort(oldestFirst)
        .slice(0, policy.maxRemovedPerTick),
    },
  };
  if (!policy.enabled) {
    return { ...hold(view, "scaling is switched off"), resume: [], dismiss: [], stop: [] };
  }
  if (wanted > supply) {
    const coming = expected > 0 ? `, ${expected} expected` : "";
    return scaleOut(view, `wanted ${wanted} (${working} working, ${demand.queued} queued${coming}, buffer ${buffer})`);
  }
  if (wanted < supply) return scaleIn(view);
  return hold(view, `wanted ${wanted}, have ${supply}`);
}

/** How many agents are in each state. */
export function countStates(agents: readonly Agent[]): Record<AgentState, number> {
  const count = { starting: 0, idle: 0, busy: 0, unclear: 0, retiring: 0, offline: 0 };
  for (const agent of agents) count[agent.state] += 1;
  return count;
}

interface View {
  readonly snapshot: Snapshot;
  readonly policy: Policy;
  readonly secondsSinceLaunch: number;
  /** What holds whatever the action. */
  readonly settled: Omit<Decision, "action" | "reason">;
}

function hold({ settled }: View, reason: string): Decision {
  return { ...settled, action: "hold", reason };
}

function scaleOut(view: View, wish: string): Decision {
  const { settled, policy, snapshot } = view;
  const missing = settled.wanted - settled.supply;
  if (settled.circuitOpen) {
    return hold(view, `${wish}: circuit open, ${snapshot.failedLaunchesLastHour} launches failed within the hour`);
  }
  const cooling = view.secondsSinceLaunch < policy.scaleOutCooldownSeconds;
  const due = cooling ? policy.min - settled.supply : missing;
  if (due <= 0) return hold(view, `${wish}: scale-out cooldown of ${policy.scaleOutCooldownSeconds} s is running`);
  // Agents that leave or hang still exist: the ceiling counts them.
  const room = policy.max - snapshot.agents.length;
  if (room <= 0) return hold(view, `${wish}: no room under max ${policy.max} until leaving agents are gone`);
  const added = Math.min(due, room, policy.maxAddedPerTick);
  return {
    ...settled,
    action: "scale-out",
    launch: rolesFor(added, snapshot, policy),
    reason: `${wish}, have ${settled.supply}: add ${added}`,
  };
}

function scaleIn(view: View): Decision {
  const { settled, policy, snapshot } = view;
  const state = `wanted ${settled.wanted}, have ${settled.supply}`;
  if (policy.departure === "by-itself") return hold(view, `${state}: idle agents leave by themselves`);
  if (view.secondsSinceLaunch < policy.scaleInCooldownSeconds) {
    return hold(view, `${state}: scale-in cooldown of ${policy.scaleInCooldownSeconds} s is running`);
  }
  const earlier = policy.scaleInAfterObservations - 1;
  const recent = earlier > 0 ? snapshot.recentlyWanted.slice(-earlier) : [];
  const mostWanted = Math.max(settled.wanted, ...recent);
  if (recent.length < earlier || mostWanted >= settled.supply) {
    return hold(view, `${state}: scale in only after ${policy.scaleInAfterObservations} observations want fewer`);
  }
  // Those that start may never come: nobody who is there leaves for them.
  const { starting } = countStates(snapshot.agents);
  const going = new Set(settled.dismiss.filter((agent) => agent.state === "idle"));
  const surplus = settled.supply - starting - going.size - mostWanted;
  if (surplus <= 0) return hold(view, `${state}: ${starting + going.size} of them still start or leave already`);
  const retire = snapshot.agents
    .filter((agent) => agent.state === "idle" && !going.has(agent))
    .sort(removalComparisons[policy.removalOrder])
    .slice(0, Math.min(surplus, policy.maxRemovedPerTick));
  if (retire.length === 0) return hold(view, `${state}: none is proven idle`);
  return { ...settled, action: "scale-in", retire, reason: `${state}: retire ${retire.length}` };
}

function bufferFor({ buffer }: Policy, jobs: number): number {
  return typeof buffer === "number" ? buffer : Math.ceil((jobs * buffer.percent) / 100);
}

/**
 * Floor agents first, until as many are left for jobs to come as an idle fleet keeps: the floor, or the buffer where that
 * is larger. Anything less permanent would idle out and be launched again for ever. One that is offline may still
 * register, and nothing would ever make one floor agent too many leave.
 */
function rolesFor(count: number, snapshot: Snapshot, policy: Policy): AgentRole[] {
  const standing = standingOf(policy);
  const left = floorLeft(snapshot, policy);
  return Array.from({ length: count }, (_, index) => (left + index < standing ? "floor" : "burst"));
}

/** So many agents an idle fleet keeps. */
function standingOf(policy: Policy): number {
  return clamp(bufferFor(policy, 0), policy.min, policy.max);
}

/** Floor agents that jobs to come will find. Single-use ones with a job are none; where nobody shows them, burst agents work first. */
function floorLeft({ agents, demand, vendorShowsAgents }: Snapshot, policy: Policy): number {
  const floor = agents.filter(({ role, state }) => role === "floor" && state !== "retiring");
  if (!policy.singleUse) return floor.length;
  if (vendorShowsAgents) return floor.filter(({ state }) => state !== "busy").length;
  const burst = agents.filter(({ role, state }) => role === "burst" && state === "unclear");
  return clamp(floor.length - (demand.running - burst.length), 0, floor.length);
}

function toDismiss(snapshot: Snapshot, policy: Policy, now: Date): Agent[] {
  if (!policy.canRetire) return [];
  const lost = snapshot.agents.filter((agent) => agent.state === "offline" && hasRegistered(agent));
  const dismissed = [...lost, ...surplusFloor(snapshot, policy), ...outlived(snapshot, policy, now)];
  return dismissed.slice(0, policy.maxRemovedPerTick);
}

/** The vendor has a record of it: it may come back, and get a job. */
function hasRegistered({ vendorId }: Agent): boolean {
  return vendorId !== undefined;
}

/** Only while no job is anywhere: then all are idle, whether the vendor shows them or not. */
function surplusFloor({ agents, demand }: Snapshot, policy: Policy): Agent[] {
  if (policy.departure === "by-retirement" || demand.queued + demand.running > 0) return [];
  const idle = agents.filter(({ role, state }) => role === "floor" && (state === "idle" || state === "unclear"));
  return idle.sort(oldestFirst).slice(0, Math.max(0, idle.length - standingOf(policy)));
}

/** One at a time, when no other comes or goes: an idle fleet is renewed without ever being empty. */
function outlived({ agents }: Snapshot, { maxLifetimeSeconds }: Policy, now: Date): Agent[] {
  if (maxLifetimeSeconds === undefined) return [];
  const { starting, retiring } = countStates(agents);
  if (starting + retiring > 0) return [];
  const bornBefore = now.getTime() - maxLifetimeSeconds * 1000;
  const old = agents.filter(({ state, launchedAt }) => state === "idle" && launchedAt.getTime() < bornBefore);
  return old.sort(oldestFirst).slice(0, 1);
}

/** An agent that the vendor's loop retires needs no role: no idle timeout of its own depends on it. */
function rolesToAssign(snapshot: Snapshot, policy: Policy): Decision["assignRoles"] {
  if (policy.departure === "by-retirement") return [];
  const without = snapshot.agents
    .filter(({ role, state }) => role === undefined && state !== "retiring")
    .sort(oldestFirst);
  const roles = rolesFor(without.length, snapshot, policy);
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

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
