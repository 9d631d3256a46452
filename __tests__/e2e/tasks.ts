import { DescribeTasksCommand, ECSClient, ListTasksCommand, StopTaskCommand } from "@aws-sdk/client-ecs";

/** A running task of a fleet. */
export interface RunningTask {
  readonly arn: string;
  readonly agentName: string;
  readonly role: string;
  readonly taskDefinition: string;
}

/** The tasks of a cluster in which nothing runs. The test says what they do. */
export interface Tasks {
  list(): Promise<RunningTask[]>;
  /** Ends the tasks, as when their agents leave by themselves. */
  end(tasks: readonly RunningTask[]): Promise<void>;
}

/** @param at.nameVariable variable with the agent's name in its container. */
export function createTasks(at: {
  readonly endpoint: string;
  readonly region: string;
  readonly cluster: string;
  readonly nameVariable: string;
}): Tasks {
  const { endpoint, region, cluster } = at;
  const ecs = new ECSClient({ region, endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  return {
    async list() {
      const { taskArns = [] } = await ecs.send(new ListTasksCommand({ cluster, desiredStatus: "RUNNING" }));
      if (taskArns.length === 0) return [];
      const { tasks = [] } = await ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }));
      return tasks.map(({ taskArn = "", taskDefinitionArn = "", overrides }) => {
        const variables = overrides?.containerOverrides?.[0]?.environment ?? [];
        const read = (name: string) => variables.find((variable) => variable.name === name)?.value ?? "";
        return {
          arn: taskArn,
          agentName: read(at.nameVariable),
          role: read("AGENT_FLEETS_ROLE"),
          taskDefinition: taskDefinitionArn,
        };
      });
    },
    async end(tasks) {
      const reason = "Essential container in task exited";
      for (const { arn } of tasks) await ecs.send(new StopTaskCommand({ cluster, task: arn, reason }));
    },
  };
}
