import type { RunTaskRequest } from "@aws-sdk/client-ecs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import type { Refusal } from "../../../../scripts/simulate/world/ecs.ts";
import { ecsConfig as config, type EcsHarness, requests, startEcsHarness } from "./ecs-harness.ts";

let clock: EcsHarness["clock"];
let ecs: EcsHarness["ecs"];
let http: EcsHarness["http"];
let connect: EcsHarness["connect"];
let callsOf: EcsHarness["callsOf"];
let capacity: Capacity;

beforeEach(async () => {
  ({ clock, ecs, http, connect, callsOf } = await startEcsHarness());
  capacity = connect();
});

afterEach(() => http.close());

/** Where each RunTask was sent: capacity provider and subnets. */
function placements(): string[] {
  return callsOf("RunTask").map((input) => placementOf(input));
}

function placementOf({ capacityProviderStrategy, networkConfiguration }: Partial<RunTaskRequest>): string {
  const subnets = networkConfiguration?.awsvpcConfiguration?.subnets ?? [];
  return `${capacityProviderStrategy?.[0]?.capacityProvider} ${subnets.join("+")}`;
}

const noCapacity: Refusal = { reason: "Capacity is unavailable at this time." };
const noQuota: Refusal = { reason: "You've reached the limit on the number of vCPUs you can run concurrently" };

describe("launching", () => {
  it.each([
    ["FARGATE", undefined],
    ["FARGATE_SPOT", undefined],
    ["hosts-apps", [{ type: "binpack", field: "memory" }]],
  ])("fills one of the hosts after the other, of which Fargate has none (%s)", async (provider, strategy) => {
    await connect({ capacityProviders: [provider] }).launch(requests(1));
    expect(callsOf("RunTask").map(({ placementStrategy }) => placementStrategy)).toEqual([strategy]);
  });

  it("starts one task per agent, which carries its name, its role and a token that makes the call idempotent", async () => {
    expect(await capacity.launch([{ agentName: "ci_x", role: "floor" }])).toEqual({ launched: 1, failures: [] });
    expect(callsOf("RunTask")).toEqual([
      {
        cluster: config.cluster,
        taskDefinition: config.taskDefinition,
        count: 1,
        clientToken: expect.stringMatching(/^[0-9a-f]{64}$/),
        startedBy: "agent-fleets",
        capacityProviderStrategy: [{ capacityProvider: "FARGATE_SPOT", weight: 1 }],
        networkConfiguration: {
          awsvpcConfiguration: {
            subnets: ["subnet-a", "subnet-b"],
            securityGroups: ["sg-1"],
            assignPublicIp: "ENABLED",
          },
        },
        overrides: {
          containerOverrides: [
            {
              name: "agent",
              environment: [
                { name: "TFC_AGENT_NAME", value: "ci_x" },
                { name: "AGENT_FLEETS_ROLE", value: "floor" },
              ],
            },
          ],
        },
        enableExecuteCommand: false,
        propagateTags: "TASK_DEFINITION",
        enableECSManagedTags: true,
      },
    ]);
  });

  it("starts 25 agents in batches that keep under 20 calls a second", async () => {
    expect(await capacity.launch(requests(25))).toEqual({ launched: 25, failures: [] });
    expect(ecs.tasks.size).toBe(25);
    expect(new Set(callsOf("RunTask").map((input) => input.clientToken)).size).toBe(25);
    expect(clock.sleeps).toEqual([500, 500]);
  });

  it("counts the calls that look for room elsewhere among those 20 a second", async () => {
    ecs.refuse = (request) => (placementOf(request).endsWith(" subnet-b") ? undefined : noCapacity);
    await capacity.launch(requests(10));
    const calls = callsOf("RunTask").length;
    expect(calls).toBeGreaterThan(20);
    expect(clock.sleeps).toEqual(Array(Math.ceil(calls / 10) - 1).fill(500));
  });

  it("asks for nothing when nothing is to be launched", async () => {
    expect(await capacity.launch([])).toEqual({ launched: 0, failures: [] });
    expect(ecs.calls).toEqual([]);
  });

  it("falls back from Spot to on-demand after each subnet was tried alone, and stays there", async () => {
    ecs.refuse = (request) => (placementOf(request).startsWith("FARGATE_SPOT") ? noCapacity : undefined);
    expect(await capacity.launch(requests(1))).toEqual({ launched: 1, failures: [] });
    expect(placements()).toEqual([
      "FARGATE_SPOT subnet-a+subnet-b",
      "FARGATE_SPOT subnet-a",
      "FARGATE_SPOT subnet-b",
      "FARGATE subnet-a+subnet-b",
    ]);
    expect(await capacity.launch(requests(20).slice(1))).toMatchObject({ launched: 19 });
    expect(placements().slice(-9)).toEqual(Array(9).fill("FARGATE subnet-a+subnet-b"));
    const [alone, firstBatch, secondBatch] = [4, 10 * 4, 9];
    expect(placements().length).toBeLessThanOrEqual(alone + firstBatch + secondBatch);
    expect(callsOf("RunTask").filter((input) => JSON.stringify(input).includes('"ci_19"'))).toHaveLength(1);
  });

  it("finds the subnet that has room", async () => {
    ecs.refuse = (request) => (placementOf(request).endsWith(" subnet-b") ? undefined : noCapacity);
    expect(await capacity.launch(requests(15))).toEqual({ launched: 15, failures: [] });
    expect(placements().slice(-5)).toEqual(Array(5).fill("FARGATE_SPOT subnet-b"));
  });

  it("gives each placement a token of its own, for they are different calls", async () => {
    ecs.refuse = (request) => (placementOf(request).startsWith("FARGATE_SPOT") ? noCapacity : undefined);
    await capacity.launch(requests(1));
    expect(new Set(callsOf("RunTask").map((input) => input.clientToken)).size).toBe(4);
  });

  it("starts agents of the longest names, of which a token would be too long for ECS", async () => {
    const agentName = `${"c".repeat(40)}.${"p".repeat(22)}_0123456789ab`;
    expect(await capacity.launch([{ agentName, role: "burst" }])).toEqual({ launched: 1, failures: [] });
  });

  it("reports a lack of capacity everywhere, for all that it was asked, and stops trying", async () => {
    ecs.refuse = () => noCapacity;
    expect(await capacity.launch(requests(25))).toEqual({
      launched: 0,
      failures: [{ kind: "capacity", message: "Capacity is unavailable at this time.", count: 25 }],
    });
    expect(callsOf("RunTask").length).toBeLessThanOrEqual(10 * 6);
  });

  it("goes on to the next provider when one's quota is used up, without a look at its other subnets", async () => {
    ecs.refuse = (request) => (placementOf(request).startsWith("FARGATE_SPOT") ? noQuota : undefined);
    expect(await capacity.launch(requests(1))).toEqual({ launched: 1, failures: [] });
    expect(placements()).toEqual(["FARGATE_SPOT subnet-a+subnet-b", "FARGATE subnet-a+subnet-b"]);
  });

  it("reports what a used up quota left out", async () => {
    ecs.refuse = () => (ecs.tasks.size >= 7 ? noQuota : undefined);
    const report = await capacity.launch(requests(25));
    expect(report).toMatchObject({ launched: 7, failures: [{ kind: "quota", count: 18 }] });
    expect(report.failures).toHaveLength(1);
  });

  it.each<[kind: string, refusal: Refusal]>([
    ["throttling", { exception: "ThrottlingException", message: "Rate exceeded" }],
    ["throttling", { exception: "ServerException", message: "oops", status: 500 }],
    ["configuration", { exception: "AccessDeniedException", message: "not authorized" }],
    ["configuration", { exception: "ClusterNotFoundException", message: "Cluster not found." }],
    ["configuration", { reason: "MISSING", detail: "task definition" }],
  ])("reports a refusal for %s: %j, tries no other placement and no other batch", async (kind, refusal) => {
    ecs.refuse = () => refusal;
    const report = await capacity.launch(requests(25));
    expect(report).toMatchObject({ launched: 0, failures: [{ kind, count: 25 }] });
    expect(callsOf("RunTask")).toHaveLength(10);
  });

  it("tells what ECS said", async () => {
    ecs.refuse = () => ({ reason: "MISSING", detail: "the family ci" });
    const { failures } = await capacity.launch(requests(1));
    expect(failures[0]?.message).toBe("MISSING: the family ci");
  });

  it("starts one task only when the answer is lost and the SDK asks again", async () => {
    http.fail({ times: 1, answer: "cut-off" });
    const report = await connect({}, { maxAttempts: 3 }).launch(requests(1));
    expect(report).toEqual({ launched: 1, failures: [] });
    expect(callsOf("RunTask")).toHaveLength(2);
    expect(ecs.tasks.size).toBe(1);
  });

  it("falls back to nothing where one subnet and one provider is all there is", async () => {
    ecs.refuse = () => noCapacity;
    const only = connect({ capacityProviders: ["FARGATE"], subnets: ["subnet-a"], assignPublicIp: "false" });
    expect(await only.launch(requests(1))).toMatchObject({ launched: 0, failures: [{ kind: "capacity", count: 1 }] });
    expect(placements()).toEqual(["FARGATE subnet-a"]);
    expect(callsOf("RunTask")[0]).toMatchObject({
      networkConfiguration: { awsvpcConfiguration: { assignPublicIp: "DISABLED" } },
    });
  });
});
