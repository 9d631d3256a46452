import type { Agent, AgentRole, AgentState, Decision, Policy, Snapshot } from "./model.ts";

/**
 * The scaling decision: pure and total. It looks at everything, computes an absolute target and says what to do about
 * the difference; nothing is counted up and down, so a lost, doubled or late event changes nothing.
 *
 * Linear in the number of agents.
 */
export function decide(snapshot: Snapshot, policy: Policy, now: Date): Decision {
  const { demand, agents } = snapshot;
  const count = countStates(agents);
  const working = count.busy + Math.min(count.unclear, demand.running);
  const needed = working + demand.queued + policy.buffer;
  const wanted = clamp(needed, policy.min, policy.max);
  const supply = count.starting + count.idle + count.busy + count.unclear;
  const circuitOpen = snapshot.failedLaunchesLastHour >= policy.maxFailedLaunchesPerHour;

  const settled = {
    wanted,
    supply,
    circuitOpen,
    atCeiling: needed > policy.max,
    launch: [],
    retire: [],
    stop: agents.filter((agent) => agent.state === "offline"),
  };
  const hold = (reason: string): Decision => ({ ...settled, action: "hold", reason });

  const missing = wanted - supply;
  if (missing > 0) {
    if (circuitOpen) {
      return hold(
        `${missing} more wanted, but ${snapshot.failedLaunchesLastHour} launches failed within the hour: circuit open`,
      );
    }
    // Agents that leave or hang still exist: the ceiling counts them.
    const room = policy.max - agents.length;
    const belowFloor = supply < policy.min;
    if (!belowFloor && secondsSinceNewestLaunch(agents, now) < policy.scaleOutCooldownSeconds) {
      return hold(`${missing} more wanted, scale-out cooldown of ${policy.scaleOutCooldownSeconds} s is running`);
    }
    const added = Math.min(missing, room, policy.maxAddedPerTick);
    if (added <= 0) return hold(`${missing} more wanted, no room until leaving agents are gone (max ${policy.max})`);
    return {
      ...settled,
      action: "scale-out",
      launch: rolesFor(added, agents, policy),
      reason: `wanted ${wanted} (${working} working, ${demand.queued} queued, buffer ${policy.buffer}), have ${supply}: add ${added}`,
    };
  }

  const surplus = -missing;
  if (surplus === 0) return hold(`wanted ${wanted}, have ${supply}`);
  if (policy.departure === "by-itself") {
    return hold(`${surplus} more than the ${wanted} wanted: idle agents leave by themselves`);
  }
  if (secondsSinceNewestLaunch(agents, now) < policy.scaleInCooldownSeconds) {
    return hold(`${surplus} more than wanted, scale-in cooldown of ${policy.scaleInCooldownSeconds} s is running`);
  }
  const retire = agents
    .filter((agent) => agent.state === "idle")
    .sort(burstFirstThenOldest)
    .slice(0, Math.min(surplus, policy.maxRemovedPerTick));
  if (retire.length === 0) return hold(`${surplus} more than wanted, none of them proven idle`);
  return {
    ...settled,
    action: "scale-in",
    retire,
    reason: `wanted ${wanted}, have ${supply}: retire ${retire.length}`,
  };
}

/** How many agents are in each state. */
export function countStates(agents: readonly Agent[]): Record<AgentState, number> {
  const count = { starting: 0, idle: 0, busy: 0, unclear: 0, retiring: 0, offline: 0 };
  for (const agent of agents) count[agent.state] += 1;
  return count;
}

/**
 * Floor agents first, until as many exist as an idle fleet keeps: the floor, or the buffer where that is larger.
 * Anything less permanent would idle out and be launched again for ever.
 */
function rolesFor(added: number, agents: readonly Agent[], policy: Policy): AgentRole[] {
  const standing = Math.min(Math.max(policy.min, policy.buffer), policy.max);
  const floorAlive = agents.filter(
    (agent) => agent.role === "floor" && agent.state !== "retiring" && agent.state !== "offline",
  ).length;
  return Array.from({ length: added }, (_, index) => (floorAlive + index < standing ? "floor" : "burst"));
}

function secondsSinceNewestLaunch(agents: readonly Agent[], now: Date): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const agent of agents) newest = Math.max(newest, agent.launchedAt.getTime());
  return (now.getTime() - newest) / 1000;
}

function burstFirstThenOldest(a: Agent, b: Agent): number {
  if (a.role !== b.role) return a.role === "burst" ? -1 : 1;
  return a.launchedAt.getTime() - b.launchedAt.getTime();
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
