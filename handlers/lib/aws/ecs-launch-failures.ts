import type { Task } from "@aws-sdk/client-ecs";
import type { Launch } from "../core/model.ts";
import type { CapacityMember } from "../core/ports.ts";
import { neverRegisteredExitCode } from "../settings/ecs-capacity.ts";
import { isFargate, type SickPlace } from "./ecs-placements.ts";
import { countingLastHour, type FailedLaunch, hourMilliseconds, meaningOf } from "./launch-failures.ts";

/** A task whose container ends with an error this soon has crashed at boot rather than in a job. */
const bootMilliseconds = 120_000;

/** A failed launch of a task. */
export interface FailedTask extends FailedLaunch {
  /** `undefined`: it would have failed in any placement. */
  readonly place?: SickPlace | undefined;
}

/** A stopped task, as far as its launch is concerned. */
export interface EndedTask {
  /** `undefined`: it did not fail. */
  readonly failure: FailedTask | undefined;
  readonly launchedAt: Date | undefined;
  /** Whether its container ran. */
  readonly hasRun: boolean;
}

/**
 * The launches of the last hour. ECS shows stopped tasks for at least an hour, so they are known after a cold start too.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
 */
export function launchesOf(
  ended: readonly EndedTask[],
  members: readonly CapacityMember[],
  subnets: readonly string[],
  now: Date,
): Launch[] {
  const hourAgo = now.getTime() - hourMilliseconds;
  const failures = ended.flatMap(({ failure }) => failure ?? []);
  const counting = new Set(countingLastHour(countingFailures(failures, subnets), now));
  const launches: Launch[] = [];
  for (const { failure, launchedAt, hasRun } of ended) {
    if (failure && counting.has(failure)) launches.push({ at: launchedAt ?? failure.at, result: "failed" });
    else if (launchedAt && launchedAt.getTime() > hourAgo && (failure ? failure.blocks !== "never" : hasRun)) {
      launches.push({ at: launchedAt, result: failure ? "open" : "worked" });
    }
  }
  for (const { phase, launchedAt, registered } of members) {
    if (phase === "ordered" || launchedAt.getTime() <= hourAgo) continue;
    launches.push({ at: launchedAt, result: registered ? "worked" : "open" });
  }
  return launches;
}

/** The failed launch of a stopped task; `undefined`: it did not fail, or the result is still open. */
export function failedTaskOf(task: Task): FailedTask | undefined {
  const at = task.stoppedAt;
  if (at === undefined) return undefined;
  if (task.stopCode === "TaskFailedToStart") return { at, ...failureToStart(task) };
  const message = endAtBoot(task);
  return message === undefined ? undefined : { at, message, kind: "configuration", blocks: "hour" };
}

/**
 * The failures that count. Failures of one subnet count only while launches fail in every subnet of the fleet. Until
 * then, the other subnets take the launches.
 */
export function countingFailures(failures: readonly FailedTask[], subnets: readonly string[]): FailedTask[] {
  const failing = new Set(failures.flatMap(({ blocks, place }) => (blocks === "never" ? [] : (place?.subnet ?? []))));
  const everywhere = subnets.every((subnet) => failing.has(subnet));
  return everywhere ? [...failures] : failures.filter(({ place }) => place?.subnet === undefined);
}

/**
 * Fargate reports the cause in the task's reason, Docker on EC2 hosts in the container's. If ECS found no host within
 * ten minutes or more, the order was only too early: the loop orders again if jobs still wait.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
 */
function failureToStart(task: Task): Omit<FailedTask, "at"> {
  const reasons = [task.stoppedReason, ...(task.containers ?? []).map(({ reason }) => reason)];
  const message = reasons.filter((reason) => reason !== undefined).join("; ");
  const meaning = meaningOf(message);
  return { ...meaning, message, place: placeOf(task, message, meaning.kind) };
}

/** Failures of the subnet's network, as opposed to task settings or a provider's capacity. */
const bySubnet =
  /addresses|network interface|configure ENI|i\/o timeout|dial tcp|deadline exceeded|connection refused/i;
const byPullLimit = /CannotPull.*(too ?many ?requests|\b429\b|rate limit|rate exceeded)/is;

function placeOf(task: Task, message: string, kind: FailedLaunch["kind"]): SickPlace | undefined {
  const { capacityProviderName: capacityProvider } = task;
  const subnet = /\bsubnet-[0-9a-z]+/.exec(message)?.[0] ?? attachedSubnet(task);
  if (subnet && (bySubnet.test(message) || byPullLimit.test(message))) return { subnet };
  if (capacityProvider === undefined || (kind !== "capacity" && kind !== "quota")) return undefined;
  return kind === "capacity" && isFargate(capacityProvider) ? { capacityProvider, subnet } : { capacityProvider };
}

/** @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Attachment.html */
function attachedSubnet({ attachments = [] }: Task): string | undefined {
  const details = attachments.flatMap((attachment) => attachment.details ?? []);
  return details.find(({ name, value }) => name === "subnetId" && value)?.value;
}

/** Why the launch of a started task failed: its agent never registered, or it crashed at boot. */
function endAtBoot({ stopCode, startedAt, stoppedAt, containers = [] }: Task): string | undefined {
  const exitCodes = containers.flatMap(({ exitCode }) => exitCode || []);
  if (exitCodes.includes(neverRegisteredExitCode))
    return "the agent did not register in time and was ended by its task";
  // Without a start time, the task ended before ECS noticed that it ran.
  const ranFor = startedAt && stoppedAt ? stoppedAt.getTime() - startedAt.getTime() : 0;
  const crashed = stopCode === "EssentialContainerExited" && ranFor < bootMilliseconds && exitCodes.length > 0;
  return crashed ? `the agent's task ended at boot with exit code ${exitCodes.join(", ")}` : undefined;
}
