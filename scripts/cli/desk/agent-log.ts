import type { FleetStack } from "./picture.ts";

/** Where a machine's program writes. */
export interface AgentLog {
  readonly group: string;
  readonly stream: string;
}

/**
 * The log of a task's agent, `<prefix>/<container>/<task id>`
 * (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html), or the boot log of an instance, whose
 * stream is the instance's id (agents/ec2/library.sh).
 */
export function agentLogOf(
  { name, config }: FleetStack,
  machine: { readonly id: string; readonly poolName: string },
): AgentLog {
  if (config.kind === "ec2-fleet") return { group: `/agent-fleets/${name}/boot`, stream: machine.id };
  const prefix = machine.poolName === name ? "agent" : machine.poolName.slice(name.length + 1);
  return { group: `/agent-fleets/${name}/agents`, stream: `${prefix}/agent/${machine.id.split("/").at(-1)}` };
}
