/**
 * Run statuses in the order a run passes them,
 * https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#run-states.
 */
const stages = [
  "pending",
  "fetching",
  "fetching_completed",
  "pre_plan_running",
  "pre_plan_awaiting_decision",
  "pre_plan_completed",
  "queuing",
  "plan_queued",
  "planning",
  "planned",
  "cost_estimating",
  "cost_estimated",
  "policy_checking",
  "policy_override",
  "policy_checked",
  "post_plan_running",
  "post_plan_awaiting_decision",
  "post_plan_completed",
  "planned_and_saved",
  "confirmed",
  "queuing_apply",
  "apply_queued",
  "pre_apply_running",
  "pre_apply_awaiting_decision",
  "pre_apply_completed",
  "applying",
] as const;

const ends = [
  "applied",
  "planned_and_finished",
  "errored",
  "canceled",
  "force_canceled",
  "discarded",
  "policy_soft_failed",
] as const;

type RunStatus = (typeof stages)[number] | (typeof ends)[number];

/** A set of known statuses, to look up an API status, which may be unknown. */
export function runStatuses(...statuses: readonly RunStatus[]): ReadonlySet<string> {
  return new Set(statuses);
}

const order: readonly string[] = stages;
const finalStatuses = runStatuses(...ends);
const succeeded = runStatuses("applied", "planned_and_finished", "planned_and_saved");

/** Whether no later status can follow. */
export function isFinalRunStatus(status: string): boolean {
  return finalStatuses.has(status);
}

/** Whether a run has succeeded. A saved plan counts as success, although it is not final. */
export function hasSucceeded(status: string): boolean {
  return succeeded.has(status);
}

/** How far along a run is in `status`. An unknown status counts as earlier than any known one. */
export function rankOfRunStatus(status: string): number {
  return isFinalRunStatus(status) ? order.length : order.indexOf(status);
}
