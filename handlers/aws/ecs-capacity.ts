import {
  DescribeTasksCommand,
  type ECSClient,
  paginateListTasks,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import type { AgentRole } from "../core/model.ts";
import type {
  Capacity,
  CapacityMember,
  CapacityReading,
  Clock,
  LaunchFailureKind,
  LaunchReport,
  LaunchRequest,
} from "../core/ports.ts";
import type { EcsCapacityConfig } from "./ecs-capacity-config.ts";
import { classifyFailureReason, classifyLaunchError, isFailedLaunch, neverRegistered } from "./ecs-launch-failures.ts";

/** Names the agent's role to its entry point. */
const roleVariable = "AGENT_FLEETS_ROLE";
/** RunTask is limited to 20 calls a second: ten at once, then the rest of half a second's pause. */
const callsAtOnce = 10;
const pauseMilliseconds = 500;
const describeBatch = 100;
/** ListTasks may not show a new task for a while; until then we remember it ourselves. */
const consistencyMilliseconds = 120_000;
const hourMilliseconds = 3_600_000;

interface Placement {
  readonly capacityProvider: string;
  readonly subnets: readonly string[];
}

type Outcome = { readonly kind: "launched" } | { readonly kind: LaunchFailureKind; readonly message: string };

/**
 * ECS tasks as capacity: one RunTask per agent, its name in the overrides, so that agent and task are the same thing by
 * construction. Standalone tasks: ECS never chooses a victim.
 */
export function createEcsCapacity(config: EcsCapacityConfig, deps: { ecs: ECSClient; clock: Clock }): Capacity {
  const { ecs, clock } = deps;
  const justLaunched = new Map<string, CapacityMember>();
  /** Stopped tasks never change again, so each is described once. */
  const stoppedTasks = new Map<string, Task>();
  const placements = placementsOf(config);

  return {
    async read(): Promise<CapacityReading> {
      const now = clock.now().getTime();
      const [running, stopped] = await Promise.all([listArns("RUNNING"), listArns("STOPPED")]);
      forgetAllBut(stoppedTasks, stopped);
      const tasks = await describe([...running, ...stopped.filter((arn) => !stoppedTasks.has(arn))]);
      for (const task of tasks) {
        if (task.taskArn !== undefined && task.lastStatus === "STOPPED") stoppedTasks.set(task.taskArn, task);
      }

      const members = new Map<string, CapacityMember>();
      for (const task of tasks) {
        const member = memberOf(task, config.nameVariable);
        if (member) members.set(member.id, member);
      }
      for (const [arn, member] of justLaunched) {
        const expired = now - member.launchedAt.getTime() > consistencyMilliseconds;
        if (expired || members.has(arn) || stoppedTasks.has(arn)) justLaunched.delete(arn);
        else members.set(arn, member);
      }

      const hourAgo = now - hourMilliseconds;
      const failed = [...stoppedTasks.values()].filter(
        (task) => (task.stoppedAt?.getTime() ?? 0) >= hourAgo && isFailedLaunch(task),
      );
      return { members: [...members.values()], failedLaunchesLastHour: failed.length };
    },

    async launch(requests): Promise<LaunchReport> {
      const outcomes: Outcome[] = [];
      /** Shared by all requests: a placement without capacity for one has none for the next. */
      const from = { placement: 0 };
      for (let start = 0; start < requests.length; start += callsAtOnce) {
        if (start > 0) await clock.sleep(pauseMilliseconds);
        const batch = requests.slice(start, start + callsAtOnce);
        outcomes.push(...(await Promise.all(batch.map((request) => launchOne(request, from)))));
        const stopper = outcomes.find((outcome) => outcome.kind !== "launched");
        const left = requests.length - outcomes.length;
        if (stopper && left > 0) {
          outcomes.push(...Array.from({ length: left }, () => stopper));
          break;
        }
      }
      return reportOf(outcomes);
    },

    async stopUnregistered(id): Promise<void> {
      await ecs.send(new StopTaskCommand({ cluster: config.cluster, task: id, reason: neverRegistered }));
    },
  };

  async function listArns(desiredStatus: "RUNNING" | "STOPPED"): Promise<string[]> {
    const arns: string[] = [];
    const query = { cluster: config.cluster, family: config.family, desiredStatus };
    for await (const page of paginateListTasks({ client: ecs, pageSize: 100 }, query)) {
      arns.push(...(page.taskArns ?? []));
    }
    return arns;
  }

  async function describe(arns: readonly string[]): Promise<Task[]> {
    const tasks: Task[] = [];
    for (let start = 0; start < arns.length; start += describeBatch) {
      const batch = arns.slice(start, start + describeBatch);
      const answer = await ecs.send(new DescribeTasksCommand({ cluster: config.cluster, tasks: batch }));
      tasks.push(...(answer.tasks ?? []));
    }
    return tasks;
  }

  async function launchOne(request: LaunchRequest, from: { placement: number }): Promise<Outcome> {
    let refusal: Outcome = { kind: "capacity", message: "no placement is left to try" };
    for (let index = from.placement; index < placements.length; index = Math.max(index + 1, from.placement)) {
      const placement = placements[index];
      if (!placement) break;
      refusal = await runTask(request, placement, index);
      if (refusal.kind !== "capacity") return refusal;
      from.placement = Math.max(from.placement, index + 1);
    }
    return refusal;
  }

  async function runTask(request: LaunchRequest, placement: Placement, index: number): Promise<Outcome> {
    try {
      const answer = await ecs.send(
        new RunTaskCommand({
          cluster: config.cluster,
          taskDefinition: config.taskDefinition,
          count: 1,
          // Makes the SDK's own retries harmless; other placements are other calls and need other tokens.
          clientToken: `${request.agentName}.${index}`,
          startedBy: "agent-fleets",
          capacityProviderStrategy: [{ capacityProvider: placement.capacityProvider, weight: 1 }],
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: [...placement.subnets],
              securityGroups: [...config.securityGroups],
              assignPublicIp: config.assignPublicIp ? "ENABLED" : "DISABLED",
            },
          },
          overrides: {
            containerOverrides: [
              {
                name: config.container,
                environment: [
                  { name: config.nameVariable, value: request.agentName },
                  { name: roleVariable, value: request.role },
                ],
              },
            ],
          },
          enableExecuteCommand: config.enableExecuteCommand,
          propagateTags: "TASK_DEFINITION",
          enableECSManagedTags: true,
        }),
      );
      const arn = answer.tasks?.[0]?.taskArn;
      if (arn !== undefined) {
        justLaunched.set(arn, { ...request, id: arn, phase: "pending", launchedAt: clock.now() });
        return { kind: "launched" };
      }
      const failure = answer.failures?.[0];
      const reason = failure?.reason ?? "RunTask answered with neither task nor failure";
      const message = failure?.detail ? `${reason}: ${failure.detail}` : reason;
      return { kind: classifyFailureReason(message), message };
    } catch (error) {
      return { kind: classifyLaunchError(error), message: String(error) };
    }
  }
}

/** Each provider in all subnets at once, then in each alone: AWS picks one subnet and gives up with it. */
function placementsOf({ capacityProviders, subnets }: EcsCapacityConfig): Placement[] {
  const choices = subnets.length > 1 ? [subnets, ...subnets.map((subnet) => [subnet])] : [subnets];
  return capacityProviders.flatMap((capacityProvider) =>
    choices.map((choice) => ({ capacityProvider, subnets: choice })),
  );
}

/** `undefined` for stopped tasks and for tasks of our family that we did not launch. */
function memberOf(task: Task, nameVariable: string): CapacityMember | undefined {
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
    launchedAt: task.createdAt ?? new Date(0),
  };
}

function isRole(text: string | undefined): text is AgentRole {
  return text === "floor" || text === "burst";
}

function phaseOf(task: Task): CapacityMember["phase"] {
  if (task.desiredStatus === "STOPPED") return "stopping";
  return task.lastStatus === "RUNNING" ? "running" : "pending";
}

function reportOf(outcomes: readonly Outcome[]): LaunchReport {
  const failures = new Map<string, { kind: LaunchFailureKind; message: string; count: number }>();
  let launched = 0;
  for (const outcome of outcomes) {
    if (outcome.kind === "launched") {
      launched += 1;
      continue;
    }
    const key = `${outcome.kind}\n${outcome.message}`;
    const known = failures.get(key);
    if (known) known.count += 1;
    else failures.set(key, { ...outcome, count: 1 });
  }
  return { launched, failures: [...failures.values()] };
}

function forgetAllBut(tasks: Map<string, Task>, arns: readonly string[]): void {
  const keep = new Set(arns);
  for (const arn of tasks.keys()) if (!keep.has(arn)) tasks.delete(arn);
}
