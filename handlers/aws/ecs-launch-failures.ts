import type { Task } from "@aws-sdk/client-ecs";
import type { LaunchFailureKind } from "../core/ports.ts";

/** The reason we give when stopping a task whose agent never registered: it also marks the failed launch. */
export const neverRegistered = "agent-fleets: the agent never registered";

/** A task whose container ends with an error this soon has crashed at boot rather than in a job. */
const bootMilliseconds = 120_000;

/** Classifies a `failures[].reason` of a RunTask answer. Anything unheard of is worth trying elsewhere. */
export function classifyFailureReason(reason: string): LaunchFailureKind {
  if (/^(MISSING|INACTIVE|ATTRIBUTE|LOCATION)/i.test(reason)) return "configuration";
  if (isQuota(reason)) return "quota";
  return "capacity";
}

/** Whether an exception means that nothing was done, as opposed to an answer that failed or never came. */
export function isRefusal(error: unknown): boolean {
  return (error as { $fault?: unknown }).$fault === "client";
}

/** Classifies an exception of RunTask. What AWS refuses without naming a passing cause is a wrong setting. */
export function classifyLaunchError(error: unknown): LaunchFailureKind {
  const { name = "", message = "" } = error as { name?: string; message?: string };
  if (isQuota(message) || name === "LimitExceededException") return "quota";
  if (/capacity is unavailable/i.test(message)) return "capacity";
  if (/throttl|rate exceeded|toomanyrequests|requestlimit/i.test(`${name} ${message}`)) return "throttling";
  if (!isRefusal(error)) return "throttling";
  return "configuration";
}

/** Whether a stopped task was launched in vain: it failed to start, crashed at boot, or never registered. */
export function isFailedLaunch(task: Task): boolean {
  const reason = task.stoppedReason ?? "";
  if (reason === neverRegistered) return true;
  if (task.stopCode === "TaskFailedToStart") return !/capacity/i.test(reason);
  if (task.stopCode !== "EssentialContainerExited") return false;
  // Without a start time it was over before ECS noticed that it ran.
  const ranFor = task.startedAt && task.stoppedAt ? task.stoppedAt.getTime() - task.startedAt.getTime() : 0;
  return ranFor < bootMilliseconds && (task.containers ?? []).some((container) => (container.exitCode ?? 0) !== 0);
}

function isQuota(text: string): boolean {
  return /reached the limit on the number of/i.test(text);
}
