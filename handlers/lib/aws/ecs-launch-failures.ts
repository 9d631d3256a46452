import type { Task } from "@aws-sdk/client-ecs";
import type { LaunchFailureKind } from "../core/ports.ts";
import { hourMilliseconds, isQuota } from "./launch-failures.ts";

/** The reason we give when stopping a task whose agent never registered: it also marks the failed launch. */
export const neverRegistered = "agent-fleets: the agent never registered";

/** A task whose container ends with an error this soon has crashed at boot rather than in a job. */
const bootMilliseconds = 120_000;

/** So long after the last launch without an image the next is tried: it may have been built meanwhile. */
const imageMilliseconds = 600_000;

/** A launch that came to nothing. */
export interface FailedLaunch {
  readonly at: Date;
  /** Whether it failed because its image is not in the registry. */
  readonly lacksImage: boolean;
}

/** Classifies a `failures[].reason` of a RunTask answer. Anything unheard of is worth trying elsewhere. */
export function classifyFailureReason(reason: string): LaunchFailureKind {
  if (/^(MISSING|INACTIVE|ATTRIBUTE|LOCATION)/i.test(reason)) return "configuration";
  if (isQuota(reason)) return "quota";
  return "capacity";
}

/** What came of a stopped task's launch; `undefined`: nothing went wrong with it. */
export function failedLaunchOf(task: Task): FailedLaunch | undefined {
  return task.stoppedAt && isFailedLaunch(task) ? { at: task.stoppedAt, lacksImage: lacksImage(task) } : undefined;
}

/**
 * How many launches of the last hour failed. Those for want of an image count only while the last one is fresh: a fleet
 * whose image is still to be built tries again every ten minutes, and every failure brings the earlier ones back.
 */
export function countLastHour(failures: readonly FailedLaunch[], now: Date): number {
  const since = (milliseconds: number) => (failure: FailedLaunch) =>
    failure.at.getTime() > now.getTime() - milliseconds;
  const lastHour = failures.filter(since(hourMilliseconds));
  const withoutImage = lastHour.filter((failure) => failure.lacksImage);
  return withoutImage.some(since(imageMilliseconds)) ? lastHour.length : lastHour.length - withoutImage.length;
}

/**
 * Whether a task failed to start because the registry does not have its image: Fargate says so in the task's reason
 * (`failed to resolve ref …: not found`), Docker on EC2 hosts in the container's (`manifest for … not found`).
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
 */
function lacksImage({ stopCode, stoppedReason, containers = [] }: Task): boolean {
  const reasons = [stoppedReason, ...containers.map(({ reason }) => reason)];
  const missing = reasons.some((reason = "") => /^CannotPullContainerError:.*\bnot found\b/is.test(reason));
  return stopCode === "TaskFailedToStart" && missing;
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
