import type { Demand } from "../../core/model.ts";
import { isFinalRunStatus, runStatuses } from "./run-status.ts";

/** What counting needs to know of a run. */
export interface CountedRun {
  readonly workspaceId: string;
  /** A speculative plan: it waits for no other run of its workspace. */
  readonly planOnly: boolean;
  readonly status: string;
  /** When it entered its present state. */
  readonly since: Date;
}

/** A person decides when, or whether, an agent will be wanted. */
const waitingForPerson = runStatuses(
  "planned",
  "planned_and_saved",
  "cost_estimated",
  "policy_checked",
  "policy_override",
  "post_plan_completed",
  "pre_plan_awaiting_decision",
  "post_plan_awaiting_decision",
  "pre_apply_awaiting_decision",
);

/** An agent works on it. */
const runningStatuses = runStatuses("planning", "applying");

/**
 * Runs as the runs API lists them: `pending` means behind another run of the workspace or behind a lock. The rule is
 * that of HashiCorp's Kubernetes operator; a status nobody knows yet is demand.
 */
export function demandOfRuns(runs: Iterable<CountedRun>): Demand {
  return count(runs, (status) => status !== "pending" && wantsAgent(status));
}

/**
 * Runs as notifications tell them. They never tell `plan_queued`: a run that waits for its first agent was last seen
 * as `pending`, so that counts, once per workspace.
 */
export function demandOfSightings(runs: Iterable<CountedRun>): Demand {
  return count(runs, wantsAgent);
}

function wantsAgent(status: string): boolean {
  return !isFinalRunStatus(status) && !waitingForPerson.has(status);
}

/** One job per plan-only run and one per workspace for the others: a workspace runs one at a time. */
function count(runs: Iterable<CountedRun>, counts: (status: string) => boolean): Demand {
  const jobs = new Map<unknown, { running: boolean; since: Date }>();
  for (const run of runs) {
    if (!counts(run.status)) continue;
    const key = run.planOnly ? run : run.workspaceId;
    const running = runningStatuses.has(run.status);
    const job = jobs.get(key);
    jobs.set(key, {
      running: running || job?.running === true,
      since: job && job.since <= run.since ? job.since : run.since,
    });
  }
  const queued = [...jobs.values()].filter((job) => !job.running);
  const oldest = queued.reduce((earliest, job) => Math.min(earliest, job.since.getTime()), Number.POSITIVE_INFINITY);
  return {
    queued: queued.length,
    running: jobs.size - queued.length,
    oldestQueuedAt: queued.length > 0 ? new Date(oldest) : undefined,
  };
}
