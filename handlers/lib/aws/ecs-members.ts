import type { Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../core/model.ts";
import type { CapacityMember, Clock } from "../core/ports.ts";
import { registeredTag } from "../settings/asg-capacity.ts";
import { roleVariable } from "./ecs-launcher.ts";
import { forgetAllBut } from "./forget.ts";

/** Sees members in tasks. Keep it between passes. */
export interface MemberReader {
  /** ARNs of tasks whose agent has registered; ECS may show their tag late. */
  readonly registered: Set<string>;
  /** The members among all tasks that are not known to have stopped. Others of our family, not launched by us, are none. */
  membersOf(tasks: readonly Task[]): CapacityMember[];
}

/** See {@link MemberReader}. @param nameVariable the environment variable that holds an agent's name */
export function createMemberReader(nameVariable: string, clock: Clock): MemberReader {
  const registered = new Set<string>();
  /** ARNs of tasks that have been seen to have a place: none loses it, but ECS may show late that one has it. */
  const placed = new Set<string>();
  /** ARNs of tasks that have been seen to wait for a place. */
  const waiting = new Set<string>();
  /** By ARN: when a task was first seen to have a place, where ECS does not tell since when. */
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
    const { taskArn: id, overrides, tags = [] } = task;
    if (id === undefined || task.lastStatus === "STOPPED") return undefined;
    const environment = overrides?.containerOverrides?.flatMap((override) => override.environment ?? []) ?? [];
    const read = (name: string) => environment.find((variable) => variable.name === name)?.value;
    const agentName = read(nameVariable);
    const role = read(roleVariable);
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
   * Since when ECS has been launching it: a task may wait half an hour in PROVISIONING until there is a host. Of unknown age
   * is young.
   */
  function launchedAtOf(id: string, task: Task): Date {
    const { lastStatus, createdAt = clock.now(), connectivityAt, pullStartedAt, startedAt } = task;
    if (lastStatus === "PROVISIONING") {
      waiting.add(id);
      return createdAt;
    }
    const told = [connectivityAt, pullStartedAt, startedAt].flatMap((time) => time?.getTime() ?? []);
    if (told.length > 0) return new Date(Math.min(...told));
    if (lastStatus === "RUNNING" && !waiting.has(id) && !placedSince.has(id)) return createdAt;
    const since = placedSince.get(id) ?? clock.now();
    placedSince.set(id, since);
    return since;
  }
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
