import { SFNClient } from "@aws-sdk/client-sfn";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRetirements } from "../../../../handlers/lib/aws/retirements.ts";
import type { RetirementReason } from "../../../../handlers/lib/core/retirement.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

const workflow = "arn:aws:states:us-east-1:000000000000:stateMachine:ci-retire";
const instance = "i-0123456789abcdef0";

interface Started {
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: string;
}

let aws: HttpFake;
let clock: FakeClock;
let started: Started[];
let running: string[];
/** The status that DescribeExecution answers; `undefined`: it knows no such execution yet. */
let described: string | undefined;

beforeEach(async () => {
  clock = createFakeClock();
  started = [];
  running = [];
  described = "RUNNING";
  aws = await startHttpFake(answer);
});

afterEach(() => aws.close());

function answer({ headers, body }: FakeRequest): FakeAnswer {
  const asked = JSON.parse(String(body));
  if (headers["x-amz-target"] === "AWSStepFunctions.StartExecution") {
    if (started.some(({ name }) => name === asked.name)) {
      return { status: 400, json: { __type: "ExecutionAlreadyExists", message: "Execution Already Exists" } };
    }
    started.push(asked);
    return { status: 200, json: { executionArn: "arn", startDate: 1 } };
  }
  if (headers["x-amz-target"] === "AWSStepFunctions.DescribeExecution") {
    if (described) return { status: 200, json: { executionArn: "arn", status: described } };
    return { status: 400, json: { __type: "ExecutionDoesNotExist", message: "not yet" } };
  }
  if (asked.statusFilter !== "RUNNING" || asked.stateMachineArn !== workflow) return { status: 500 };
  const page = Number(asked.nextToken ?? 0);
  const executions = running.slice(page, page + 2).map((name) => ({ name, executionArn: name }));
  return { status: 200, json: { executions, ...(page + 2 < running.length && { nextToken: String(page + 2) }) } };
}

function setUp(pool?: string) {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sfn = new SFNClient({ endpoint: aws.url, region: "us-east-1", credentials, maxAttempts: 1 });
  const poolName = pool === undefined ? "ci" : `ci.${pool}`;
  return createRetirements({ workflow, drainTimeoutSeconds: 3600, poolName, pool }, { sfn, clock });
}

describe("starting", () => {
  it("names the execution after agent, reason and ten minutes, and gives it its deadline", async () => {
    await setUp().start({ name: instance, capacityId: instance, vendorId: "01JWORKER" }, "drained");
    expect(started).toEqual([
      { stateMachineArn: workflow, name: `${instance}.drained.2945376`, input: expect.any(String) },
    ]);
    expect(JSON.parse(started[0]?.input ?? "")).toEqual({
      agent: { name: instance, capacityId: instance, vendorId: "01JWORKER" },
      reason: "drained",
      deadline: "2026-01-01T01:00:00.000Z",
    });
  });

  it("the same agent for the same reason is started once in ten minutes, and then again", async () => {
    const retirements = setUp();
    const agent = { name: instance, capacityId: instance };
    expect(await retirements.start(agent, "release")).toBe(true);
    clock.advance(60_000);
    expect(await retirements.start(agent, "release")).toBe(false);
    expect(await retirements.start(agent, "terminating")).toBe(true);
    expect(started).toHaveLength(2);
    clock.advance(600_000);
    expect(await retirements.start(agent, "release")).toBe(true);
    expect(started).toHaveLength(3);
  });

  it("a scale-in that ended because its agent was busy can be started again after a minute", async () => {
    const retirements = setUp();
    const agent = { name: instance, capacityId: instance };
    expect(await retirements.start(agent, "scale-in")).toBe(true);
    expect(await retirements.start(agent, "scale-in")).toBe(false);
    clock.advance(60_000);
    expect(await retirements.start(agent, "scale-in")).toBe(true);
  });

  it("passes the hook on", async () => {
    const hook = { name: "agent-fleets-retire", group: "ci" };
    await setUp().start({ name: instance, capacityId: instance }, "terminating", hook);
    expect(JSON.parse(started[0]?.input ?? "")).toMatchObject({ reason: "terminating", hook });
  });

  it("keeps within the 80 characters of a name, for the longest names of stacks and pools", async () => {
    const reasons: RetirementReason[] = ["scale-in", "never-registered"];
    const name = `${"s".repeat(40)}_0123456789ab`;
    for (const reason of reasons) await setUp().start({ name, capacityId: name }, reason);
    const pool = "p".repeat(20);
    for (const reason of reasons) {
      await setUp(pool).start({ name: `ci.${pool}_0123456789ab`, capacityId: "task" }, reason);
    }
    await setUp().start({ name: instance, capacityId: instance }, "spot-interruption");
    expect(started.map(({ name: { length } }) => length).filter((length) => length > 80)).toEqual([]);
    expect(started.every((each) => /^[A-Za-z0-9._-]+$/.test(each.name))).toBe(true);
  });

  it("throws what Step Functions refuses for another reason", async () => {
    aws.fail({ answer: { status: 400, json: { __type: "StateMachineDoesNotExist" } } });
    await expect(setUp().start({ name: instance, capacityId: instance }, "release")).rejects.toThrow();
  });
});

describe("what is under way", () => {
  it("names the agents, over all pages, and passes over what somebody else started", async () => {
    running = ["ci_1.scale-in.2945376", "ci_2.drained.2945376", "by-hand", `${instance}.terminating.2945370`];
    expect(await setUp().running()).toEqual(new Set(["ci_1", "ci_2", instance]));
  });

  it("of a pool names that pool's agents", async () => {
    running = ["win_1.scale-in.2945376", "linux_1.scale-in.2945376"];
    expect(await setUp("win").running()).toEqual(new Set(["ci.win_1"]));
  });

  it("comes back as it was started", async () => {
    const retirements = setUp("win");
    await retirements.start({ name: "ci.win_0123456789ab", capacityId: "task" }, "scale-in");
    running = started.map(({ name }) => name);
    clock.advance(3_600_000);
    expect(await retirements.running()).toEqual(new Set(["ci.win_0123456789ab"]));
  });

  it("remembers for a moment what Step Functions may not show yet", async () => {
    const retirements = setUp();
    await retirements.start({ name: "ci_1", capacityId: "task" }, "scale-in");
    clock.advance(10_000);
    expect(await retirements.running()).toEqual(new Set(["ci_1"]));
    clock.advance(10_000);
    expect(await retirements.running()).toEqual(new Set());
  });

  it.each([
    ["SUCCEEDED", []],
    ["FAILED", []],
    ["TIMED_OUT", []],
    ["ABORTED", []],
    ["RUNNING", ["ci_1"]],
    ["PENDING_REDRIVE", ["ci_1"]],
    [undefined, ["ci_1"]],
  ])("an agent whose execution has just been started and is %s: %j", async (status, names) => {
    const retirements = setUp();
    await retirements.start({ name: "ci_1", capacityId: "task" }, "scale-in");
    described = status;
    expect(await retirements.running()).toEqual(new Set(names));
  });
});
