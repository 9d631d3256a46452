import { paginateDescribeLogGroups } from "@aws-sdk/client-cloudwatch-logs";
import { UserError } from "../../lib/errors.ts";
import { agentLogOf } from "../agent-log.ts";
import type { DeskClients } from "../clients.ts";
import { keysOf, readDeployed } from "../deployed.ts";
import { findTask } from "../machines-of-tasks.ts";
import type { FleetStack } from "../picture.ts";
import { type Place, placesOf, poolsIn, readSettings } from "../pools.ts";

/** Which log of a fleet. */
export type LogChoice =
  | { readonly log: "loop" | "boot" | "retirements" }
  | { readonly log: "agent"; readonly name: string };

/** Lines to read: a log group, and which streams of it. */
export interface LogSource {
  readonly group: string;
  /** Left out: all. */
  readonly streams?: readonly string[] | undefined;
  /** What it means if the group or its streams do not exist. Left out: the source has nothing to say then. */
  readonly missing?: string | undefined;
}

/** Logs of a stack that no agent writes. */
const notOfAgents = /\/(webhook-access|flow-logs)$/;

/** Where the chosen log is. Throws {@link UserError} if this fleet has none, and AWS's errors. */
export async function sourcesOf(
  choice: LogChoice,
  stack: FleetStack,
  clients: DeskClients,
  now: Date,
): Promise<readonly LogSource[]> {
  const { name, config } = stack;
  const ofFunction = (part: string, missing?: string) => ({ group: `/aws/lambda/${name}-${part}`, missing });
  switch (choice.log) {
    case "loop":
      return [ofFunction("autoscale", "The loop has never run, or the fleet is not deployed there.")];
    case "retirements": {
      const retire = ofFunction(
        "retire",
        "This fleet has no retirement workflow (its agents leave by themselves), or it is not deployed there.",
      );
      return config.kind === "ec2-fleet" ? [retire, ofFunction("release")] : [retire];
    }
    case "boot":
      if (config.kind === "ec2-fleet") {
        const missing = "compute.hostLogs is false, or the fleet is not deployed there.";
        return [{ group: `/agent-fleets/${name}/boot`, missing }];
      }
      throw new UserError(
        "Agents that run as tasks have no log of their boot.",
        `Read an agent's own log: fleet logs ${name} --agent <name>. fleet status ${name} shows the names.`,
      );
    case "agent":
      return config.kind === "ec2-fleet"
        ? sourcesOfInstance(choice.name, stack, clients)
        : [await sourceOfTask(choice.name, stack, clients, now)];
  }
}

async function sourcesOfInstance(
  id: string,
  { name }: FleetStack,
  { logs }: DeskClients,
): Promise<readonly LogSource[]> {
  if (!/^i-[0-9a-f]+$/.test(id)) {
    throw new UserError(
      `${JSON.stringify(id)} is no id of an instance.`,
      `Agents on instances have the instance's id as name: fleet status ${name}`,
    );
  }
  const sources: LogSource[] = [];
  const query = { logGroupNamePrefix: `/agent-fleets/${name}/` };
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: logs }, query)) {
    for (const { logGroupName: group } of logGroups) {
      if (group && !notOfAgents.test(group)) sources.push({ group, streams: [id] });
    }
  }
  return sources;
}

async function sourceOfTask(agent: string, stack: FleetStack, clients: DeskClients, now: Date): Promise<LogSource> {
  const deployed = await readDeployed({ stack: stack.name, region: stack.config.region }, clients);
  if (!deployed.known)
    throw new UserError(`The agent cannot be looked up: ${deployed.why}.`, "Use another AWS identity.");
  const pools = poolsIn(await readSettings(stack, now), stack.name, keysOf(deployed.value));
  const machine = await taskOf(agent, placesOf(pools), clients);
  if (machine === undefined) {
    const [blind] = pools.flatMap(({ poolName, inForce }) => (inForce.known ? [] : { poolName, why: inForce.why }));
    if (blind) {
      throw new UserError(
        `The agent cannot be looked up, because the settings of ${blind.poolName} cannot be read: ${blind.why}.`,
        `To see more: fleet doctor ${stack.name}`,
      );
    }
    throw new UserError(
      `ECS shows no task of the agent ${JSON.stringify(agent)}.`,
      `ECS shows a task for an hour after its end. Names of present agents: fleet status ${stack.name}`,
    );
  }
  const { group, stream } = agentLogOf(stack, machine);
  return { group, streams: [stream], missing: "The agent has not written anything yet." };
}

async function taskOf(agent: string, places: readonly Place[], { ecs }: DeskClients) {
  for (const { poolName, capacity } of places) {
    if (capacity.type !== "ecs") continue;
    const id = await findTask(agent, capacity, { ecs });
    if (id !== undefined) return { id, poolName };
  }
  return undefined;
}
