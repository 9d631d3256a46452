import { call, type States } from "./states-language.ts";

/** How an agent in a container ends, once it is drained and forgotten. @param cluster its cluster's ARN */
export function inContainers(props: { readonly partition: string }, cluster: string): States {
  return {
    "Stop the task": call(
      props,
      "aws-sdk:ecs:stopTask",
      { Cluster: cluster, "Task.$": "$.agent.capacityId", "Reason.$": "States.Format('agent-fleets: {}', $.reason)" },
      { ResultPath: null, Next: "Gone" },
      // What ECS says of a task that it no longer knows.
      { "Ecs.InvalidParameterException": "Gone", otherwise: "Failed" },
    ),
  };
}
