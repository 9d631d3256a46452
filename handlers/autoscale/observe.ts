import { agentNamePrefix, joinAgents, type Roster } from "../lib/core/agents.ts";
import { VendorApiError } from "../lib/core/errors.ts";
import type { Demand, Snapshot } from "../lib/core/model.ts";
import type { VendorAgent } from "../lib/core/ports.ts";
import type { AutoscaleDeps } from "./deps.ts";

/** What one tick sees. */
export interface Observation {
  readonly snapshot: Snapshot;
  /** Records at the vendor of agents of ours that are no more. */
  readonly ghosts: readonly VendorAgent[];
  /** See {@link Roster.newcomers}. */
  readonly newcomers: readonly string[];
  /** Everything in the pool, foreign agents too; `undefined` where the vendor does not show it. */
  readonly vendorAgents: readonly VendorAgent[] | undefined;
}

/**
 * Reads the whole picture, agents before jobs: a job that starts in between is then seen as running on an agent that was
 * idle, never as queued and running at once. Nothing is decided on a part of it: whatever cannot be read throws.
 */
export async function observe(deps: AutoscaleDeps): Promise<Observation> {
  try {
    const { agents, vendorAgents, failedLaunchesLastHour, ...rest } = await readRoster(deps);
    const demand = withWait(await deps.vendor.readDemand(), deps);
    const { recentlyWanted } = deps.memory;
    const vendorShowsAgents = vendorAgents !== undefined;
    return {
      snapshot: { demand, agents, vendorShowsAgents, failedLaunchesLastHour, recentlyWanted },
      vendorAgents,
      ...rest,
    };
  } catch (error) {
    if (error instanceof VendorApiError) deps.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

/**
 * Reads the agents there are: capacity first, so that an agent that registers meanwhile has its member; retirements last,
 * so that an agent that is found drained has a retirement to be found with it.
 */
export async function readRoster({
  capacity,
  vendor,
  retirements,
  fleet,
  policy,
  clock,
  memory,
}: AutoscaleDeps): Promise<Roster & Pick<Snapshot, "failedLaunchesLastHour"> & Pick<Observation, "vendorAgents">> {
  const { members, failedLaunchesLastHour } = await capacity.read();
  const vendorAgents = await vendor.listAgents();
  const retiring = (await retirements?.running()) ?? new Set<string>();
  const roster = joinAgents({
    members,
    vendorAgents,
    retiring,
    lostSince: memory.lostSince,
    namePrefix: agentNamePrefix(fleet),
    registrationGraceSeconds: policy.registrationGraceSeconds,
    now: clock.now(),
  });
  memory.lostSince = roster.lostSince;
  return { ...roster, vendorAgents, failedLaunchesLastHour };
}

/** Where the vendor does not tell when jobs were queued, it counts for how long some have been waiting without a pause. */
function withWait(demand: Demand, { memory, clock }: AutoscaleDeps): Demand {
  memory.queuedSince = demand.queued > 0 ? (memory.queuedSince ?? clock.now()) : undefined;
  return { ...demand, oldestQueuedAt: demand.oldestQueuedAt ?? memory.queuedSince };
}
