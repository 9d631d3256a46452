import type { Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../core/model.ts";
import type { CapacityMember, Clock } from "../core/ports.ts";
import { registeredTag } from "../settings/asg-capacity.ts";
import { roleVariable } from "./ecs-launcher.ts";
import { forgetAllBut } from "./forget.ts";

/** Derives members from tasks. Keep it between passes. */
export interface MemberReader {
  /** ARNs of tasks whose agent has registered. ECS may show their tag late. */
  readonly registered: Set<string>;
  /**
   * The members among all tasks that are not known to have stopped. Ignores our family's tasks that others launched.
   */
  membersOf(tasks: readonly Task[]): CapacityMember[];
}

/** See {@link MemberReader}. @param nameVariable the environment variable with an agent's name */
export function createMemberReader(nameVariable: string, clock: Clock): MemberReader {
  const registered = new Set<string>();
  /** ARNs of tasks that were seen on a host. None loses its host, but ECS may show late that it has one. */
  const placed = new Set<string>();
  /** ARNs of tasks that have waited for a host. */
  const waiting = new Set<string>();
  /** By ARN: when a task was first seen on a host, if ECS does not report the time. */
  const placedSince = new Map<string, Date>();

  return {
    registered,
    membersOf(tasks) {
      const arns = new Set(tasks.flatMap(({ taskArn }) => taskArn ?? []));
      forgetAllBut(registered, arns);
      forgetAllBut(placed, arns);
      forgetAllBut(waiting, arns);
      forgetAllBut(placedSince, arns);
      return tasks.flatMap((task) => memberOf(task) ?? []);
    },
  };

  function memberOf(task: Task): CapacityMember | undefined {
    const { taskArn: id, tags = [] } = task;
    if (id === undefined || task.lastStatus === "STOPPED") return undefined;
    const agentName = launchedWith(task, nameVariable);
    const role = launchedWith(task, roleVariable);
    if (agentName === undefined || !isRole(role)) return undefined;
    // Of one without the tag nobody knows it: where the vendor hides its agents, none ever gets one.
    const isRegistered = registered.has(id) || tags.some(({ key }) => key === registeredTag) || undefined;
    if (isRegistered || task.lastStatus !== "PROVISIONING") placed.add(id);
    return {
      id,
      agentName,
      role,
      phase: phaseOf(task, placed.has(id)),
      launchedAt: launchedAtOf(id, task),
      registered: isRegistered,
    };
  }

  /**
   * Since when ECS has been launching the task, which may wait half an hour in PROVISIONING for a host. A task of
   * unknown age counts as new.
   */
  function launchedAtOf(id: string, task: Task): Date {
    const { lastStatus, createdAt = clock.now(), connectivityAt, pullStartedAt, startedAt } = task;
    if (lastStatus === "PROVISIONING") {
      waiting.add(id);
      return createdAt;
    }
    const told = earliest(connectivityAt, earliest(pullStartedAt, startedAt));
    if (told !== undefined) return told;
    if (lastStatus === "RUNNING" && !waiting.has(id) && !placedSince.has(id)) return createdAt;
    const since = placedSince.get(id) ?? clock.now();
    placedSince.set(id, since);
    return since;
  }
}

/** The value of an environment variable of the launch. */
function launchedWith({ overrides }: Task, name: string): string | undefined {
  for (const { environment } of overrides?.containerOverrides ?? []) {
    const found = environment?.find((variable) => variable.name === name);
    if (found) return found.value;
  }
  return undefined;
}

function earliest(one: Date | undefined, other: Date | undefined): Date | undefined {
  return one && other ? (one < other ? one : other) : (one ?? other);
}

function isRole(text: string | undefined): text is AgentRole {
  return text === "floor" || text === "burst";
}

/** @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html */
function phaseOf({ desiredStatus, lastStatus }: Task, isPlaced: boolean): CapacityMember["phase"] {
  if (desiredStatus === "STOPPED") return "stopping";
  if (!isPlaced) return "ordered";
  return lastStatus === "RUNNING" ? "running" : "pending";
}
