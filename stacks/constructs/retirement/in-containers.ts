import { startedByLoop } from "../../../handlers/lib/settings/ecs-capacity.ts";
import { equals, format, isPresent, listOf, matches } from "./execution.ts";
import type { RetirementPlace } from "./retiring-capacity.ts";
import type { ContainerState, SharedState } from "./state-names.ts";
import { call, choice, type States, say } from "./states-language.ts";

const taskDefinition = "$.task.Tasks[0].TaskDefinitionArn";
const startedBy = "$.task.Tasks[0].StartedBy";

/**
 * The states that end an agent in a container after it is drained and deregistered. The id of the task comes from
 * outside, and other people's tasks may run in the same cluster. So the workflow stops a task only if it is of one of
 * the fleet's task definitions and a loop has launched it.
 */
export function inContainers(
  props: { readonly partition: string },
  { cluster, taskDefinitions }: Extract<RetirementPlace, { readonly type: "ecs" }>,
): States<ContainerState, SharedState | ContainerState> {
  // ECS answers so for a task that it no longer knows.
  const catchers = { "Ecs.InvalidParameterException": "Gone", otherwise: "Failed" } as const;
  return {
    // A record that was deleted proves nothing the next time; the proof that led to its deletion still holds.
    "Has it left": choice("Drain", [{ ...isPresent("$.left"), Next: "Look at the task" }]),
    "Look at the task": call(
      props,
      "aws-sdk:ecs:describeTasks",
      { Cluster: cluster, "Tasks.$": listOf("$.agent.capacityId") },
      { ResultPath: "$.task", Next: "Is it ours" },
      catchers,
    ),
    "Is it ours": choice("Not ours", [
      { Not: isPresent("$.task.Tasks[0]"), Next: "Gone" },
      {
        And: [
          isPresent(startedBy),
          equals(startedBy, startedByLoop),
          isPresent(taskDefinition),
          { Or: taskDefinitions.map((pattern) => matches(taskDefinition, pattern)) },
        ],
        Next: "Stop the task",
      },
    ]),
    "Not ours": say("The task that was to be stopped is not one that this fleet launched. It runs on."),
    "Stop the task": call(
      props,
      "aws-sdk:ecs:stopTask",
      { Cluster: cluster, "Task.$": "$.agent.capacityId", "Reason.$": format("agent-fleets: {}", "$.reason") },
      { ResultPath: null, Next: "Gone" },
      catchers,
    ),
  };
}
