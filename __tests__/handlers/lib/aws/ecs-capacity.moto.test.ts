import { CreateClusterCommand, type ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEcsCapacity } from "../../../../handlers/lib/aws/ecs-capacity.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import type { EcsCapacityConfig } from "../../../../handlers/lib/settings/ecs-capacity.ts";
import { ecsClientAt } from "../../../../scripts/simulate/world/ecs.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { hasMoto, type Moto, startMoto } from "../../../fakes/moto.ts";

const moto = hasMoto();
if (!moto) process.stderr.write("SKIPPED: ECS tasks as capacity on moto, because moto_server is not on the PATH\n");

describe.skipIf(!moto)("ECS tasks as capacity (moto)", () => {
  let server: Moto;
  let ecs: ECSClient;
  let capacity: Capacity;

  beforeAll(async () => {
    server = await startMoto();
    ecs = ecsClientAt(server.url);
    // moto knows no capacity provider strategy: without a launch type it looks for EC2 instances in the cluster.
    ecs.middlewareStack.add(
      (next) => (args) => {
        if ("capacityProviderStrategy" in args.input) {
          Object.assign(args.input, { capacityProviderStrategy: undefined, launchType: "FARGATE" });
        }
        return next(args);
      },
      { step: "initialize" },
    );
    const { cluster } = await ecs.send(new CreateClusterCommand({ clusterName: "ci" }));
    const { taskDefinition } = await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: "ci",
        containerDefinitions: [{ name: "agent", image: "example/agent", cpu: 1, memory: 1 }],
        networkMode: "awsvpc",
        requiresCompatibilities: ["FARGATE"],
        cpu: "256",
        memory: "512",
      }),
    );
    const config: EcsCapacityConfig = {
      type: "ecs",
      cluster: String(cluster?.clusterArn),
      taskDefinition: `${taskDefinition?.family}:${taskDefinition?.revision}`,
      container: "agent",
      capacityProviders: ["FARGATE"],
      subnets: [await anySubnet(server.url)],
      securityGroups: [],
      assignPublicIp: "false",
      enableExecuteCommand: false,
      nameVariable: "TFC_AGENT_NAME",
    };
    capacity = createEcsCapacity(config, { ecs, clock: createFakeClock(new Date()), notebook: createNotebookFake() });
  });

  afterAll(async () => {
    ecs?.destroy();
    await server?.close();
  });

  it("launches twelve agents, finds them again by name, and withdraws none that ECS has begun to launch", async () => {
    const requests = Array.from({ length: 12 }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" as const }));
    expect(await capacity.launch(requests)).toEqual({ launched: 12, failures: [] });
    const { members } = await capacity.read();
    expect(members.map((member) => member.agentName).sort()).toEqual(requests.map((each) => each.agentName).sort());
    expect(members.every((member) => member.role === "burst")).toBe(true);

    const [victim] = members;
    await capacity.markRegistered?.([String(victim?.id)]);
    const marked = (await capacity.read()).members.filter(({ registered }) => registered);
    expect(marked.map(({ id }) => id)).toEqual([victim?.id]);

    // moto leaves no task in PROVISIONING.
    expect(await capacity.withdraw(12)).toBe(0);
  });
});

/** moto has a default VPC. */
async function anySubnet(url: string): Promise<string> {
  const scope = "test/20260101/us-east-1/ec2/aws4_request";
  const response = await fetch(`${url}/?Action=DescribeSubnets&Version=2016-11-15`, {
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=test` },
  });
  return /subnet-[0-9a-f]+/.exec(await response.text())?.[0] ?? "no subnet";
}
