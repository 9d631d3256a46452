import { agentNamePrefix, joinAgents, type Roster } from "../lib/core/agents.ts";
import { VendorApiError } from "../lib/core/errors.ts";
import type { Agent, Demand, Snapshot } from "../lib/core/model.ts";
import type { Policy } from "../lib/core/policy.ts";
import type { CapacityReading, VendorAgent } from "../lib/core/ports.ts";
import { waitsAfter } from "../lib/core/waits.ts";
import type { AutoscaleDeps } from "./deps.ts";

/** Everything that one tick observes. */
export interface Observation
  extends Pick<Roster, "orphans" | "newlyRegistered">,
    Pick<CapacityReading, "newLaunchFailures" | "newShortages" | "fallback" | "kept"> {
  readonly snapshot: Snapshot;
  /** All agents in the pool, foreign ones included; `undefined` if the vendor does not list agents. */
  readonly vendorAgents: readonly VendorAgent[] | undefined;
  /** How many agents of the pool are not ours; `undefined` if the vendor does not list agents. */
  readonly foreign: number | undefined;
  /** How long the jobs had waited that an agent took since the last look. */
  readonly waits: readonly number[];
}

/**
 * Reads everything, agents before jobs: a job that starts in between then counts as running on an agent that was idle,
 * never as queued and running at once. The loop never decides on a part, so a failed read throws.
 */
export async function observe(deps: AutoscaleDeps): Promise<Observation> {
  try {
    const { roster, vendorAgents, reading } = await readAgents(deps);
    // One more than the ceiling shows that jobs wait because of it. Whatever else waits changes nothing.
    const demand = withWait(await deps.vendor.readDemand({ enough: deps.policy.max + 1 }), deps);
    return {
      snapshot: {
        demand,
        agents: roster.agents,
        vendorShowsAgents: vendorAgents !== undefined,
        launches: reading.launches,
        circuit: deps.memory.circuit,
        load: deps.memory.load,
        traffic: deps.memory.traffic,
        boots: bootsOf(roster, deps.policy, deps.clock.now()),
        ordersToMove: reading.fallback?.ordersToMove,
        settling: reading.fallback?.settling,
        recentlyWanted: deps.memory.recentlyWanted,
      },
      orphans: roster.orphans,
      newlyRegistered: roster.newlyRegistered,
      kept: reading.kept,
      newLaunchFailures: reading.newLaunchFailures,
      newShortages: reading.newShortages,
      fallback: reading.fallback,
      vendorAgents,
      foreign: vendorAgents && foreignOf(vendorAgents, roster.agents, agentNamePrefix(deps.poolName)),
      waits: waitsOf(demand, deps),
    };
  } catch (error) {
    if (error instanceof VendorApiError) deps.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

/**
 * Reads the agents: capacity first, so that an agent that registers meanwhile has its member; retirements last, so that
 * the retirement of a drained agent is always found.
 */
async function readAgents({ capacity, vendor, retirements, poolName, policy, clock, memory }: AutoscaleDeps) {
  const reading = await capacity.read();
  const vendorAgents = await vendor.listAgents();
  const retiring = (await retirements?.running()) ?? new Set<string>();
  const roster = joinAgents({
    members: reading.members,
    vendorAgents,
    retiring,
    missingSince: memory.missingSince,
    namePrefix: agentNamePrefix(poolName),
    registrationGraceSeconds: policy.registrationGraceSeconds,
    now: clock.now(),
  });
  memory.missingSince = roster.missingSince;
  return { roster, vendorAgents, reading };
}

/** Agents that are connected, and have neither a machine nor a name of this fleet. */
function foreignOf(listed: readonly VendorAgent[], ours: readonly Agent[], prefix: string): number {
  const names = new Set(ours.map(({ name }) => name));
  const isPresent = ({ state }: VendorAgent) => state !== "gone" && state !== "offline";
  return listed.filter((agent) => isPresent(agent) && !names.has(agent.name) && !agent.name.startsWith(prefix)).length;
}

/**
 * Seconds since the launch of each agent that has registered since the last look. One that took longer than its grace is
 * no measure of boots: nobody looked for a while, or the sign of its registration cannot be stored and it comes up in
 * every look.
 */
function bootsOf({ agents, newlyRegistered }: Roster, { registrationGraceSeconds }: Policy, now: Date): number[] {
  const fresh = new Set(newlyRegistered);
  return agents
    .filter(({ capacityId }) => fresh.has(capacityId))
    .map(({ launchedAt }) => (now.getTime() - launchedAt.getTime()) / 1000)
    .filter((seconds) => seconds <= registrationGraceSeconds);
}

function waitsOf({ started = [] }: Demand, { memory, clock }: AutoscaleDeps): readonly number[] {
  const { seconds, until } = waitsAfter(memory.waitsUntil, started, clock.now());
  memory.waitsUntil = until;
  return seconds;
}

/** If the vendor does not report queue times, this measures how long at least one job has been waiting. */
function withWait(demand: Demand, { memory, clock }: AutoscaleDeps): Demand {
  memory.queuedSince = demand.queued > 0 ? (memory.queuedSince ?? clock.now()) : undefined;
  return { ...demand, oldestQueuedAt: demand.oldestQueuedAt ?? memory.queuedSince };
}
