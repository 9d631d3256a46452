import { createEcsCapacity } from "../../../../handlers/lib/aws/ecs-capacity.ts";
import type { Capacity, LaunchRequest } from "../../../../handlers/lib/core/ports.ts";
import type { EcsCapacityConfig } from "../../../../handlers/lib/settings/ecs-capacity.ts";
import { createEcsFake, type EcsFake, ecsClientAt } from "../../../../scripts/simulate/world/ecs.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

/** Tasks on Fargate, Spot first, in two subnets. */
export const ecsConfig: EcsCapacityConfig = {
  type: "ecs",
  cluster: "arn:aws:ecs:us-east-1:000000000000:cluster/ci",
  taskDefinition: "ci:3",
  container: "agent",
  capacityProviders: ["FARGATE_SPOT", "FARGATE"],
  subnets: ["subnet-a", "subnet-b"],
  securityGroups: ["sg-1"],
  assignPublicIp: "true",
  enableExecuteCommand: false,
  nameVariable: "TFC_AGENT_NAME",
};

/** A fake of ECS behind HTTP, and ways to it. */
export interface EcsHarness {
  readonly clock: FakeClock;
  readonly ecs: EcsFake;
  readonly http: HttpFake;
  /** The adapter after a cold start. */
  connect(changes?: Partial<EcsCapacityConfig>, options?: { maxAttempts: number }): Capacity;
  /** The inputs of all calls of one operation. */
  callsOf(operation: string): EcsFake["calls"][number]["input"][];
}

/** Close its `http` in the end. */
export async function startEcsHarness(): Promise<EcsHarness> {
  const clock = createFakeClock();
  const ecs = createEcsFake(clock);
  const http = await startHttpFake((request) => ecs.answer(request));
  return {
    clock,
    ecs,
    http,
    connect: (changes, options) =>
      createEcsCapacity(
        { ...ecsConfig, ...changes },
        { ecs: ecsClientAt(http.url, options), clock, notebook: createNotebookFake() },
      ),
    callsOf: (operation) => ecs.calls.filter((call) => call.operation === operation).map(({ input }) => input),
  };
}

/** So many agents to launch. */
export function requests(number: number): LaunchRequest[] {
  return Array.from({ length: number }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" }));
}
