import type { Demand } from "../../core/model.ts";
import type { StartedJob } from "../../core/waits.ts";
import type { Capabilities } from "../../settings/vendors/azure-devops-agent.ts";
import type { JobRequest } from "./api.ts";
import { satisfies } from "./demands.ts";

/**
 * The demand in a pool's job requests. A job with a result is over, as is one that was cancelled in the queue. A job
 * waits while no agent has received it or is reserved for it: a reserved agent shows as busy a moment before it
 * receives the job, and the job would count twice. Jobs whose demands our agents do not meet are only reported.
 */
export function demandOfJobs(jobs: readonly JobRequest[], capabilities: Capabilities): Demand {
  const open = jobs.filter(({ result }) => !result);
  const waiting = open.filter(({ receiveTime, reservedAgent }) => !receiveTime && (reservedAgent ?? null) === null);
  const unmetBy = new Map(waiting.map((job) => [job, unmetDemands(job, capabilities)]));
  const ours = waiting.filter((job) => unmetBy.get(job)?.length === 0);
  const started = open.flatMap(startOf);
  const queuedAt = ours.map(({ queueTime }) => Date.parse(queueTime));
  const unmet = new Set([...unmetBy.values()].flat());
  return {
    queued: ours.length,
    running: open.length - waiting.length,
    oldestQueuedAt: queuedAt.length > 0 ? new Date(Math.min(...queuedAt)) : undefined,
    ...(started.length > 0 && { started }),
    ...(unmet.size > 0 && { unmatched: { jobs: waiting.length - ours.length, demands: [...unmet].sort() } }),
  };
}

/** Also of jobs whose demands our agents do not meet: another agent of the pool took them. */
function startOf({ queueTime, receiveTime }: JobRequest): StartedJob[] {
  const at = Date.parse(receiveTime ?? "");
  return Number.isFinite(at) ? [{ at: new Date(at), waitedSeconds: (at - Date.parse(queueTime)) / 1000 }] : [];
}

function unmetDemands({ demands }: JobRequest, capabilities: Capabilities): readonly string[] {
  return (demands ?? []).filter((demand) => !satisfies(capabilities, demand));
}
