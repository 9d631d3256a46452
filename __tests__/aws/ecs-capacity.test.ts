import type { RunTaskRequest, Task } from "@aws-sdk/client-ecs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEcsCapacity } from "../../handlers/aws/ecs-capacity.ts";
import type { EcsCapacityConfig } from "../../handlers/aws/ecs-capacity-config.ts";
import { neverRegistered } from "../../handlers/aws/ecs-launch-failures.ts";
import type { Capacity, LaunchRequest } from "../../handlers/core/ports.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";
import { createEcsFake, type EcsFake, ecsClientAt, type Refusal } from "../fakes/ecs.ts";
import { type HttpFake, startHttpFake } from "../fakes/http-fake.ts";

const config: EcsCapacityConfig = {
  type: "ecs",
  cluster: "arn:aws:ecs:us-east-1:000000000000:cluster/ci",
  family: "ci",
  taskDefinition: "arn:aws:ecs:us-east-1:000000000000:task-definition/ci:3",
  container: "agent",
  capacityProviders: ["FARGATE_SPOT", "FARGATE"],
  subnets: ["subnet-a", "subnet-b"],
  securityGroups: ["sg-1"],
  assignPublicIp: "true",
  enableExecuteCommand: false,
  nameVariable: "TFC_AGENT_NAME",
};

let clock: FakeClock;
let ecs: EcsFake;
let http: HttpFake;
let capacity: Capacity;

beforeEach(async () => {
  clock = createFakeClock();
  ecs = createEcsFake(clock);
  http = await startHttpFake((request) => ecs.answer(request));
  capacity = connect();
});

afterEach(() => http.close());

function connect(changes: Partial<EcsCapacityConfig> = {}, options?: { maxAttempts: number }): Capacity {
  return createEcsCapacity({ ...config, ...changes }, { ecs: ecsClientAt(http.url, options), clock });
}

function requests(number: number): LaunchRequest[] {
  return Array.from({ length: number }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" }));
}

function callsOf(operation: string) {
  return ecs.calls.filter((call) => call.operation === operation).map((call) => call.input);
}

/** Where each RunTask was sent: capacity provider and subnets. */
function placements(): string[] {
  return callsOf("RunTask").map((input) => placementOf(input));
}

function placementOf({ capacityProviderStrategy, networkConfiguration }: Partial<RunTaskRequest>): string {
  const subnets = networkConfiguration?.awsvpcConfiguration?.subnets ?? [];
  return `${capacityProviderStrategy?.[0]?.capacityProvider} ${subnets.join("+")}`;
}

/** A task as the adapter launches it. */
function ours(name: string, role = "burst"): Pick<Task, "overrides"> {
  const environment = [
    { name: "TFC_AGENT_NAME", value: name },
    { name: "AGENT_FLEETS_ROLE", value: role },
  ];
  return { overrides: { containerOverrides: [{ name: "agent", environment }] } };
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
        clientToken: "ci_x.0",
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
  });

  it("finds the subnet that has room", async () => {
    ecs.refuse = (request) => (placementOf(request).endsWith(" subnet-b") ? undefined : noCapacity);
    expect(await capacity.launch(requests(15))).toEqual({ launched: 15, failures: [] });
    expect(placements().slice(-5)).toEqual(Array(5).fill("FARGATE_SPOT subnet-b"));
  });

  it("gives each placement a token of its own, for they are different calls", async () => {
    ecs.refuse = (request) => (placementOf(request).startsWith("FARGATE_SPOT") ? noCapacity : undefined);
    await capacity.launch(requests(1));
    expect(callsOf("RunTask").map((input) => input.clientToken)).toEqual(["ci_0.0", "ci_0.1", "ci_0.2", "ci_0.3"]);
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

describe("reading", () => {
  it("gives back every task it launched, as what it was launched", async () => {
    const { taskArn } = ecs.add({ ...ours("ci_x", "floor"), createdAt: new Date("2025-12-31T23:00:00.500Z") });
    expect((await capacity.read()).members).toEqual([
      {
        id: taskArn,
        agentName: "ci_x",
        role: "floor",
        phase: "running",
        launchedAt: new Date("2025-12-31T23:00:00.500Z"),
      },
    ]);
  });

  it.each([
    ["PROVISIONING", "RUNNING", "pending"],
    ["PENDING", "RUNNING", "pending"],
    ["RUNNING", "RUNNING", "running"],
    ["RUNNING", "STOPPED", "stopping"],
    ["DEPROVISIONING", "STOPPED", "stopping"],
    ["STOPPED", "STOPPED", undefined],
  ])("sees a task that is %s and shall be %s as %s", async (lastStatus, desiredStatus, phase) => {
    ecs.add({ ...ours("ci_x"), lastStatus, desiredStatus });
    expect((await capacity.read()).members.map((member) => member.phase)).toEqual(phase ? [phase] : []);
  });

  it("ignores tasks of the family that others started, and other families", async () => {
    ecs.add({});
    ecs.add({
      overrides: { containerOverrides: [{ name: "agent", environment: [{ name: "TFC_AGENT_NAME", value: "x" }] }] },
    });
    ecs.add(ours("ci_x", "boss"));
    ecs.add({ ...ours("ci_x"), family: "other" });
    expect(await capacity.read()).toEqual({ members: [], failedLaunchesLastHour: 0 });
  });

  it("pages through long lists and describes a hundred tasks at a time", async () => {
    for (let index = 0; index < 250; index += 1) ecs.add(ours(`ci_${index}`));
    expect((await capacity.read()).members).toHaveLength(250);
    const running = callsOf("ListTasks").filter((input) => input.desiredStatus === "RUNNING");
    expect(running).toHaveLength(3);
    expect(callsOf("DescribeTasks").map((input) => (input.tasks as string[]).length)).toEqual([100, 100, 50]);
  });

  it("describes a stopped task once only", async () => {
    const { taskArn } = ecs.add({ lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    await capacity.read();
    await capacity.read();
    expect(callsOf("DescribeTasks")).toEqual([{ cluster: config.cluster, tasks: [taskArn] }]);
  });

  it("forgets stopped tasks when ECS does", async () => {
    ecs.add({ lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    await capacity.read();
    ecs.listingLagMilliseconds = () => 1;
    await capacity.read();
    ecs.listingLagMilliseconds = () => 0;
    await capacity.read();
    expect(callsOf("DescribeTasks")).toHaveLength(2);
  });

  it("takes a task of unknown age for a young one, which nobody stops", async () => {
    const task = ecs.add(ours("ci_x"));
    delete task.createdAt;
    expect((await capacity.read()).members[0]?.launchedAt).toEqual(clock.now());
  });

  it.each(["ListTasks", "DescribeTasks"])("fails when %s fails, rather than show a part", async (operation) => {
    ecs.add(ours("ci_x"));
    const answer = ecs.answer;
    ecs.answer = (request) =>
      String(request.headers["x-amz-target"]).endsWith(operation) ? { status: 500, json: {} } : answer(request);
    await expect(capacity.read()).rejects.toThrow();
  });
});

describe("what ListTasks does not show yet", () => {
  beforeEach(() => {
    ecs.listingLagMilliseconds = () => 60_000;
  });

  const members = async () => (await capacity.read()).members.map(({ agentName, phase }) => `${agentName} ${phase}`);

  it("is remembered, and counted once when it appears", async () => {
    await capacity.launch(requests(2));
    expect(await members()).toEqual(["ci_0 pending", "ci_1 pending"]);
    clock.advance(60_000);
    for (const task of ecs.tasks.values()) task.lastStatus = "RUNNING";
    expect(await members()).toEqual(["ci_0 running", "ci_1 running"]);
  });

  it("is remembered even if the list shows it and then loses it again", async () => {
    await capacity.launch(requests(1));
    clock.advance(60_000);
    await members();
    ecs.listingLagMilliseconds = () => 90_000;
    expect(await members()).toEqual(["ci_0 pending"]);
  });

  it("is forgotten once it has stopped", async () => {
    await capacity.launch(requests(1));
    ecs.listingLagMilliseconds = () => 0;
    for (const task of ecs.tasks.values()) Object.assign(task, { lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    expect(await members()).toEqual([]);
  });

  it("is forgotten after two minutes", async () => {
    ecs.listingLagMilliseconds = () => Number.POSITIVE_INFINITY;
    await capacity.launch(requests(1));
    clock.advance(119_999);
    expect(await members()).toHaveLength(1);
    clock.advance(1);
    expect(await members()).toEqual([]);
  });

  it("counts for half a minute if ECS left open whether it started it, and goes by what the list then shows", async () => {
    http.fail({ times: 1, answer: "cut-off" });
    expect(await capacity.launch(requests(1))).toMatchObject({ launched: 0, failures: [{ kind: "throttling" }] });
    expect(await members()).toEqual(["ci_0 pending"]);
    clock.advance(30_000);
    expect(await members()).toEqual([]);
    clock.advance(30_000);
    expect(await members()).toEqual(["ci_0 pending"]);
  });

  it("does not count if ECS refused it", async () => {
    ecs.refuse = () => ({ exception: "ThrottlingException", message: "Rate exceeded" });
    await capacity.launch(requests(1));
    expect(await members()).toEqual([]);
  });
});

describe("launches in vain", () => {
  const crashed = (stoppedAt: Date): Partial<Task> => ({
    lastStatus: "STOPPED",
    desiredStatus: "STOPPED",
    stopCode: "TaskFailedToStart",
    stoppedReason: "CannotPullContainerError",
    stoppedAt,
  });
  const secondsAgo = (seconds: number) => new Date(clock.now().getTime() - seconds * 1000);

  it("count for an hour", async () => {
    ecs.add(crashed(secondsAgo(10)));
    ecs.add(crashed(secondsAgo(3_599)));
    ecs.add(crashed(secondsAgo(3_600)));
    ecs.add({ ...crashed(secondsAgo(10)), stopCode: "SpotInterruption" });
    expect((await capacity.read()).failedLaunchesLastHour).toBe(2);
    clock.advance(1_000);
    expect((await capacity.read()).failedLaunchesLastHour).toBe(1);
  });

  it("include those that were stopped because the agent never registered", async () => {
    const task = ecs.add(ours("ci_x"));
    await capacity.stopUnregistered(String(task.taskArn), { mayReplace: true });
    expect(callsOf("StopTask")).toEqual([{ cluster: config.cluster, task: task.taskArn, reason: neverRegistered }]);
    expect((await capacity.read()).members).toMatchObject([{ phase: "stopping" }]);
    Object.assign(task, { lastStatus: "STOPPED", stoppedAt: clock.now() });
    expect(await capacity.read()).toEqual({ members: [], failedLaunchesLastHour: 1 });
  });
});

describe("stopping an agent that never registered", () => {
  it("is done when the task is gone already", async () => {
    await expect(
      capacity.stopUnregistered("arn:aws:ecs:us-east-1:000000000000:task/ci/9", { mayReplace: true }),
    ).resolves.toBeUndefined();
  });

  it("fails when ECS refuses", async () => {
    http.fail({ answer: { status: 400, json: { __type: "AccessDeniedException", message: "not authorized" } } });
    await expect(capacity.stopUnregistered("arn", { mayReplace: true })).rejects.toThrow("not authorized");
  });
});
