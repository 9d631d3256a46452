import type { ECSClient, Task } from "@aws-sdk/client-ecs";
import { failedTaskOf } from "../../../handlers/lib/aws/ecs-launch-failures.ts";
import { createMemberReader } from "../../../handlers/lib/aws/ecs-members.ts";
import { createTaskReader } from "../../../handlers/lib/aws/ecs-tasks.ts";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { type EcsCapacityConfig, startedByLoop } from "../../../handlers/lib/settings/ecs-capacity.ts";
import type { Capacity, FailedMachine, Machine } from "./machines.ts";

/**
 * The tasks of one pool's family. ECS shows stopped ones for at least an hour:
 * https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
 */
export async function readTasks(
  config: EcsCapacityConfig,
  { ecs, clock, since }: { readonly ecs: ECSClient; readonly clock: Clock; readonly since: Date },
): Promise<Omit<Capacity, "poolName">> {
  const reader = createTaskReader(config, ecs);
  const [running, stopped] = await Promise.all([reader.list("RUNNING"), reader.list("STOPPED")]);
  const tasks = await reader.describe([...running, ...stopped]);
  const members = createMemberReader(config.nameVariable, clock).membersOf(tasks);
  const byArn = new Map(tasks.map((task) => [task.taskArn, task]));
  const agents = new Set(members.map(({ id }) => id));
  return {
    machines: members.map(({ id, agentName, phase }) => machineOf({ name: agentName, id, phase }, byArn.get(id))),
    strangers: tasks.flatMap(({ taskArn = "", lastStatus, startedBy }) =>
      lastStatus !== "STOPPED" && (startedBy !== startedByLoop || !agents.has(taskArn)) ? [taskArn] : [],
    ),
    failures: tasks
      .flatMap((task): FailedMachine[] => {
        const failure = failedTaskOf(task);
        return failure && failure.at >= since ? [{ ...failure, id: task.taskArn }] : [];
      })
      .sort((a, b) => b.at.getTime() - a.at.getTime()),
    suspended: [],
  };
}

/** The ARN of the task of an agent, by the agent's name or the task's id, also of one that has stopped lately. */
export async function findTask(
  agent: string,
  config: EcsCapacityConfig,
  { ecs }: { readonly ecs: ECSClient },
): Promise<string | undefined> {
  const reader = createTaskReader(config, ecs);
  const arns = [...(await reader.list("RUNNING")), ...(await reader.list("STOPPED"))];
  const byId = arns.find((arn) => arn.split("/").at(-1) === agent);
  if (byId !== undefined) return byId;
  const tasks = await reader.describe(arns);
  return tasks.find(({ overrides }) => {
    const variables = overrides?.containerOverrides?.flatMap(({ environment = [] }) => environment) ?? [];
    return variables.some(({ name, value }) => name === config.nameVariable && value === agent);
  })?.taskArn;
}

function machineOf(own: Pick<Machine, "name" | "id" | "phase">, task: Task | undefined): Machine {
  const details = task?.attachments?.flatMap((attachment) => attachment.details ?? []) ?? [];
  const address = details.find(({ name }) => name === "privateIPv4Address")?.value;
  const host = task?.containerInstanceArn?.split("/").at(-1);
  return {
    ...own,
    launchedAt: task?.createdAt,
    where: [task?.availabilityZone, address, host && `host ${host}`].filter(Boolean).join(" "),
    type: task?.capacityProviderName,
    image: undefined,
  };
}
