import {
  DescribeTasksCommand,
  type DesiredStatus,
  type ECSClient,
  ECSServiceException,
  ListTasksCommand,
  type ListTasksRequest,
  type Task,
} from "@aws-sdk/client-ecs";
import { type EcsCapacityConfig, startedByLoop } from "../settings/ecs-capacity.ts";

/** Largest page of ListTasks and DescribeTasks. */
const batchSize = 100;

/** Reads the tasks of one family in the fleet's cluster. */
export interface TaskReader {
  /** ARNs of the family's tasks, whoever launched them. */
  list(desiredStatus: DesiredStatus): Promise<string[]>;
  /** The tasks with these ARNs and their tags, without those that ECS has forgotten or that are not a fleet's. */
  describe(arns: readonly string[]): Promise<Task[]>;
}

/**
 * See {@link TaskReader}. On a shared cluster the loop may describe tasks with its fleet's tag only, and one foreign
 * task has ECS refuse the whole batch. Somebody may run a task of our family by hand, without the tag. If ECS refuses,
 * the reader leaves out the tasks that no loop has launched and asks again. If it refuses one that a loop has launched,
 * the reader throws: such a task may be an agent at work.
 */
export function createTaskReader(
  { cluster, taskDefinition }: Pick<EcsCapacityConfig, "cluster" | "taskDefinition">,
  ecs: ECSClient,
): TaskReader {
  const family = taskDefinition.replace(/:\d+$/, "");

  return {
    list: (desiredStatus) => listAll({ family, desiredStatus }),

    async describe(arns) {
      const tasks: Task[] = [];
      for (let start = 0; start < arns.length; start += batchSize) {
        tasks.push(...(await describeBatch(arns.slice(start, start + batchSize))));
      }
      return tasks;
    },
  };

  async function describeBatch(arns: readonly string[]): Promise<readonly Task[]> {
    try {
      return await describeAll(arns);
    } catch (error) {
      if (!(error instanceof ECSServiceException && error.name === "AccessDeniedException")) throw error;
      const launched = new Set([...(await listLaunched("RUNNING")), ...(await listLaunched("STOPPED"))]);
      const ours = arns.filter((arn) => launched.has(arn));
      if (ours.length === arns.length) throw error;
      return ours.length === 0 ? [] : describeAll(ours);
    }
  }

  async function describeAll(arns: readonly string[]): Promise<readonly Task[]> {
    const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: [...arns], include: ["TAGS"] }));
    return tasks;
  }

  /** ECS does not filter by family and `startedBy` at once. */
  function listLaunched(desiredStatus: DesiredStatus): Promise<string[]> {
    return listAll({ startedBy: startedByLoop, desiredStatus });
  }

  async function listAll(filter: ListTasksRequest): Promise<string[]> {
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await ecs.send(new ListTasksCommand({ cluster, maxResults: batchSize, nextToken, ...filter }));
      arns.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
    } while (nextToken);
    return arns;
  }
}
