import { call, choice, type States } from "./states-language.ts";

/** How an agent in a container ends, once it is drained and forgotten. @param cluster its cluster's ARN */
export function inContainers(props: { readonly partition: string }, cluster: string): States {
  return {
    // A record that was deleted proves nothing the next time; the proof that led to its deletion still holds.
    "Has it left": choice("Drain", [{ Variable: "$.left", IsPresent: true, Next: "Stop the task" }]),
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
