import { createAsgCapacity } from "../../../../handlers/lib/aws/asg-capacity.ts";
import type { Capacity, Clock, LaunchRequest } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, asgClientsOver } from "../../../../scripts/simulate/world/asg.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";

/** A group as stacks make it with the default grace. */
export const groupConfig = { type: "asg", group: "ci", hook: "agent-fleets-retire", bootSeconds: 1200 } as const;

/** The adapter after a cold start, over a fake of AWS. */
export function connectAsg(aws: AsgFake, clock: Clock, group = "ci", notebook = createNotebookFake()): Capacity {
  const clients = asgClientsOver(async (call) => aws.perform(call));
  return createAsgCapacity({ ...groupConfig, group }, { ...clients, clock, notebook });
}

/** What a group is asked for: it gives neither names nor roles. */
export function requests(count: number): LaunchRequest[] {
  return Array.from({ length: count }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" }));
}

/** Has the group hold what it was asked for. */
export function settle(aws: AsgFake, count: number): void {
  aws.group.desired = count;
  for (let index = 0; index < count; index += 1) aws.add();
}

/** Ends an instance as the retirement workflow does it. */
export function retire(aws: AsgFake, id: string): void {
  const input = { InstanceId: id, ShouldDecrementDesiredCapacity: true };
  aws.perform({ operation: "TerminateInstanceInAutoScalingGroup", input });
}

/** The inputs of all calls of one operation. */
export function inputsOf(aws: AsgFake, operation: string): Readonly<Record<string, unknown>>[] {
  return aws.calls.filter((call) => call.operation === operation).map(({ input }) => input);
}
