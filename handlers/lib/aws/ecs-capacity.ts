import { DescribeTasksCommand, type ECSClient, paginateListTasks, type Task } from "@aws-sdk/client-ecs";
import type { AgentRole } from "../core/model.ts";
import type { Capacity, CapacityMember, CapacityReading, Clock, Notebook } from "../core/ports.ts";
import type { EcsCapacityConfig } from "../settings/ecs-capacity.ts";
import { countLastHour, type FailedLaunch, failedLaunchOf } from "./ecs-launch-failures.ts";
import { createEcsLauncher, createRunTaskPace, roleVariable } from "./ecs-launcher.ts";
import { forgetAllBut } from "./forget.ts";
import type { Pace } from "./pace.ts";

/** Both ListTasks and DescribeTasks take no more. */
const batchSize = 100;
/** ListTasks may not show a new task for a while; until then we remember it ourselves. */
const confirmedMilliseconds = 120_000;
/** So long a launch without an answer may still turn out to have worked: it must not be made up for at once. */
const unconfirmedMilliseconds = 30_000;

/**
 * ECS tasks as capacity: one RunTask per agent, its name in the overrides, so that agent and task are the same thing by
 * construction. Standalone tasks: ECS never chooses a victim. Keep it between passes: it remembers new and ended tasks.
 *
 * @param deps.pace how fast it may launch, where others launch beside it
 */
export function createEcsCapacity(
  config: EcsCapacityConfig,
  { ecs, clock, pace = createRunTaskPace(clock) }: { ecs: ECSClient; clock: Clock; pace?: Pace; notebook?: Notebook },
): Capacity {
  /** By agent name. */
  const justLaunched = new Map<string, { readonly member: CapacityMember; readonly until: number }>();
  /** Stopped tasks never change again, so each is described once. What came of its launch is kept. */
  const ended = new Map<string, FailedLaunch | undefined>();

  return {
    async read(): Promise<CapacityReading> {
      const now = clock.now();
      const [running, stopped] = await Promise.all([listArns("RUNNING"), listArns("STOPPED")]);
      forgetAllBut(ended, new Set(stopped));
      const unknown = [...running, ...stopped].filter((arn) => !ended.has(arn));
      const tasks = await describe([...new Set(unknown)]);
      for (const task of tasks) {
        if (task.taskArn === undefined || task.lastStatus !== "STOPPED") continue;
        ended.set(task.taskArn, failedLaunchOf(task));
      }

      const members = new Map<string, CapacityMember>();
      for (const [name, { member, until }] of justLaunched) {
        if (until <= now.getTime() || ended.has(member.id)) justLaunched.delete(name);
        else members.set(name, member);
      }
      for (const task of tasks) {
        const member = memberOf(task, config.nameVariable, now);
        if (member) members.set(member.agentName, member);
      }

      const failures = [...ended.values()].filter((failure) => failure !== undefined);
      return { members: [...members.values()], failedLaunchesLastHour: countLastHour(failures, now) };
    },

    launch: createEcsLauncher(config, {
      ecs,
      pace,
      onLaunched(request, arn) {
        const launchedAt = clock.now();
        const milliseconds = arn === undefined ? unconfirmedMilliseconds : confirmedMilliseconds;
        justLaunched.set(request.agentName, {
          member: { ...request, id: arn ?? `unconfirmed ${request.agentName}`, phase: "pending", launchedAt },
          until: launchedAt.getTime() + milliseconds,
        });
      },
    }),

    withdraw: () => Promise.resolve(0),
  };

  async function listArns(desiredStatus: "RUNNING" | "STOPPED"): Promise<string[]> {
    const arns: string[] = [];
    const query = { cluster: config.cluster, family: familyOf(config.taskDefinition), desiredStatus };
    for await (const page of paginateListTasks({ client: ecs, pageSize: batchSize }, query)) {
      arns.push(...(page.taskArns ?? []));
    }
    return arns;
  }

  async function describe(arns: readonly string[]): Promise<Task[]> {
    const tasks: Task[] = [];
    for (let start = 0; start < arns.length; start += batchSize) {
      const batch = arns.slice(start, start + batchSize);
      const answer = await ecs.send(new DescribeTasksCommand({ cluster: config.cluster, tasks: batch }));
      tasks.push(...(answer.tasks ?? []));
    }
    return tasks;
  }
}

function familyOf(taskDefinition: string): string {
  return taskDefinition.replace(/:\d+$/, "");
}

/** `undefined` for stopped tasks and for tasks of our family that we did not launch. */
function memberOf(task: Task, nameVariable: string, now: Date): CapacityMember | undefined {
  if (task.taskArn === undefined || task.lastStatus === "STOPPED") return undefined;
  const environment = task.overrides?.containerOverrides?.flatMap((override) => override.environment ?? []) ?? [];
  const read = (name: string) => environment.find((variable) => variable.name === name)?.value;
  const agentName = read(nameVariable);
  const role = read(roleVariable);
  if (agentName === undefined || !isRole(role)) return undefined;
  return {
    id: task.taskArn,
    agentName,
    role,
    phase: phaseOf(task),
    // Of unknown age is young: only old agents get stopped.
    launchedAt: task.createdAt ?? now,
  };
}

function isRole(text: string | undefined): text is AgentRole {
  return text === "floor" || text === "burst";
}

function phaseOf(task: Task): CapacityMember["phase"] {
  if (task.desiredStatus === "STOPPED") return "stopping";
  return task.lastStatus === "RUNNING" ? "running" : "pending";
}
