import { format, isPresent } from "./execution.ts";
import type { ContainerState, SharedState } from "./state-names.ts";
import { call, choice, type States } from "./states-language.ts";

/**
 * The states that end an agent in a container after it is drained and deregistered. @param cluster its cluster's ARN
 */
export function inContainers(
  props: { readonly partition: string },
  cluster: string,
): States<ContainerState, SharedState | ContainerState> {
  return {
    // A record that was deleted proves nothing the next time; the proof that led to its deletion still holds.
    "Has it left": choice("Drain", [{ ...isPresent("$.left"), Next: "Stop the task" }]),
    "Stop the task": call(
      props,
      "aws-sdk:ecs:stopTask",
      { Cluster: cluster, "Task.$": "$.agent.capacityId", "Reason.$": format("agent-fleets: {}", "$.reason") },
      { ResultPath: null, Next: "Gone" },
      // ECS answers so for a task that it no longer knows.
      { "Ecs.InvalidParameterException": "Gone", otherwise: "Failed" },
    ),
  };
}
