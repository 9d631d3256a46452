import { agentNamePrefix, joinAgents, type Roster } from "../core/agents.ts";
import { VendorApiError } from "../core/errors.ts";
import type { Snapshot } from "../core/model.ts";
import type { VendorAgent } from "../core/ports.ts";
import type { AutoscaleDeps } from "./handler.ts";

/** What one tick sees. */
interface Observation {
  readonly snapshot: Snapshot;
  /** Records at the vendor of agents of ours that are no more. */
  readonly ghosts: readonly VendorAgent[];
}

/**
 * Reads the whole picture, agents before jobs: a job that starts in between is then seen as running on an agent that was
 * idle, never as queued and running at once. Nothing is decided on a part of it: whatever cannot be read throws.
 */
export async function observe(deps: AutoscaleDeps): Promise<Observation> {
  try {
    const { agents, ghosts, vendorShowsAgents, failedLaunchesLastHour } = await readRoster(deps);
    const demand = await deps.vendor.readDemand();
    return { snapshot: { demand, agents, vendorShowsAgents, failedLaunchesLastHour }, ghosts };
  } catch (error) {
    if (error instanceof VendorApiError) deps.metrics.record({ VendorApiErrors: 1 });
    throw error;
  }
}

/** Reads the agents there are: capacity first, so that an agent that registers meanwhile has its member. */
export async function readRoster({
  capacity,
  vendor,
  fleet,
  policy,
  clock,
}: AutoscaleDeps): Promise<Roster & Pick<Snapshot, "vendorShowsAgents" | "failedLaunchesLastHour">> {
  const { members, failedLaunchesLastHour } = await capacity.read();
  const vendorAgents = await vendor.listAgents();
  const roster = joinAgents({
    members,
    vendorAgents,
    namePrefix: agentNamePrefix(fleet),
    registrationGraceSeconds: policy.registrationGraceSeconds,
    now: clock.now(),
  });
  return { ...roster, vendorShowsAgents: vendorAgents !== undefined, failedLaunchesLastHour };
}
