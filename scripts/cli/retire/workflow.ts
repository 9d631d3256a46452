import { GetFunctionConfigurationCommand, LambdaClient, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from "@aws-sdk/client-sfn";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { runningRetirements, startRetirement } from "../../../handlers/lib/aws/retirements.ts";
import { json } from "../../../handlers/lib/core/env.ts";
import type { AgentReference, Clock } from "../../../handlers/lib/core/ports.ts";
import { type RetirementsConfig, retirementsConfig } from "../../../handlers/lib/settings/retirements.ts";
import { type FleetTable, notDeployed } from "../lib/fleet-table.ts";

/** How an execution stands. */
export type Stage = "begins" | "busy" | "failing" | "ends" | "succeeded" | "failed";

/** The retirement workflow as an operator uses it, by the rules of the loop. */
export interface Workflow {
  /** The ARN of the agent's retirement that runs. */
  find(agent: AgentReference): Promise<string | undefined>;
  /** Starts one that waits for the agent's job. `undefined`: one has just ended. */
  start(agent: AgentReference): Promise<string | undefined>;
  stageOf(execution: string): Promise<Stage>;
}

/**
 * Reads which workflow the deployed loop starts.
 *
 * @returns `undefined`: the fleet's agents leave by themselves
 * @throws UserError if the fleet is not deployed
 */
export async function readWorkflow(fleet: FleetTable): Promise<RetirementsConfig | undefined> {
  const lambda = new LambdaClient({ ...clientOptions, region: fleet.region });
  try {
    const FunctionName = `${fleet.stack}-autoscale`;
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const text = Environment?.Variables?.RETIREMENTS;
    return text === undefined ? undefined : json(retirementsConfig).decode(text);
  } catch (error) {
    throw error instanceof ResourceNotFoundException ? notDeployed(fleet) : error;
  }
}

/** See {@link Workflow}. Of one pool. */
export function createWorkflow(
  { region }: FleetTable,
  of: Parameters<typeof runningRetirements>[0],
  clock: Clock,
): Workflow {
  const sfn = new SFNClient({ ...clientOptions, region });
  return {
    find: async ({ name }) => (await runningRetirements(of, sfn)).get(name),
    start: async (agent) => (await startRetirement(of, { agent, reason: "drained" }, { sfn, clock }))?.execution,
    async stageOf(executionArn) {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (status === "SUCCEEDED") return "succeeded";
      if (status !== "RUNNING" && status !== "PENDING_REDRIVE") return "failed";
      const query = { executionArn, reverseOrder: true, maxResults: 100, includeExecutionData: false };
      const { events = [] } = await sfn.send(new GetExecutionHistoryCommand(query));
      return stageIn(events.flatMap(({ stateEnteredEventDetails: entered }) => entered?.name ?? []));
    },
  };
}

/** @param states the last states that were entered, newest first; their names are those of the stack's definition */
function stageIn(states: readonly string[]): Stage {
  const last = states.find((state) => state === "Busy" || state === "Failed" || state === "Deregister");
  if (last === "Busy") return "busy";
  if (last === "Failed") return "failing";
  return last === undefined ? "begins" : "ends";
}
