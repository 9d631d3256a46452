/**
 * Run statuses in the order a run passes them, https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#run-states.
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
];

const finalStatuses = new Set([
  "applied",
  "planned_and_finished",
  "errored",
  "canceled",
  "force_canceled",
  "discarded",
  "policy_soft_failed",
]);

/** Whether no later status can follow. */
export function isFinalRunStatus(status: string): boolean {
  return finalStatuses.has(status);
}

/** How far along a run is in `status`; a status we do not know counts as earlier than any we do. */
export function rankOfRunStatus(status: string): number {
  return finalStatuses.has(status) ? stages.length : stages.indexOf(status);
}
