import type { Context } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { systemClock } from "../../../handlers/lib/runtime/clock.ts";
import { type AutoscaleEnv, autoscaleEnv } from "../../../handlers/lib/settings/autoscale.ts";
import { type PoolSettings, poolSettings } from "../../../handlers/lib/settings/pool.ts";
import type { VendorRuntime } from "../../../handlers/lib/settings/vendors.ts";
import { createEcsFake, type EcsFake } from "../../../scripts/simulate/world/ecs.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../fakes/hcp-terraform.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { createSettingsTableFake, type SettingsTableFake } from "../../fakes/settings-table.ts";
import { policyOf } from "../../fixtures/policy.ts";

const secretArn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:agent-fleets/ci/api-token";

let ecs: EcsFake;
let aws: HttpFake;
let hcp: HcpTerraformFake;
let secret: FakeAnswer;
let scanned: unknown[];
let underWay: unknown[];
let written: string[];
let leaseIsHeld: boolean;
let table: SettingsTableFake;

beforeEach(async () => {
  ecs = createEcsFake(systemClock);
  aws = await startHttpFake(answerAsAws);
  hcp = await startHcpTerraformFake();
  const workspace = hcp.state.addWorkspace("one", hcp.state.addPool("aws"));
  hcp.state.queueRun(workspace);
  secret = { status: 200, json: { SecretString: hcp.token } };
  scanned = [];
  underWay = [];
  written = [];
  leaseIsHeld = false;
  table = createSettingsTableFake();
  table.putPool(undefined, settingsOf());
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
  }
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await Promise.all([aws.close(), hcp.close()]);
});

function answerAsAws(request: FakeRequest): FakeAnswer {
  const target = String(request.headers["x-amz-target"]);
  const settings = table.answer(request);
  if (settings) return settings;
  if (target.startsWith("AmazonEC2ContainerService")) return ecs.answer(request);
  if (target === "secretsmanager.GetSecretValue") return secret;
  if (target === "AWSStepFunctions.ListExecutions") return { status: 200, json: { executions: underWay } };
  if (target === "DynamoDB_20120810.Scan") return { status: 200, json: { Items: scanned } };
  if (target === "DynamoDB_20120810.UpdateItem" && leaseIsHeld) {
    const conditional = String(request.body).includes("ConditionExpression");
    if (conditional) return { status: 400, json: { __type: "ConditionalCheckFailedException", message: "held" } };
  }
  if (/^DynamoDB_20120810\.(Get|Put|Update)Item$/.test(target)) return { status: 200, json: {} };
  return { status: 400, json: { __type: "UnknownOperationException" } };
}

/** The settings of the fleet, or of one of its pools. */
function settingsOf(changes: { policy?: Partial<Policy>; vendor?: object; family?: string } = {}): PoolSettings {
  return {
    policy: policyOf(changes.policy),
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: hcp.url,
      demand: "api",
      ...changes.vendor,
    } as VendorRuntime,
    capacity: {
      type: "ecs",
      cluster: "ci",
      taskDefinition: `${changes.family ?? "ci"}:1`,
      container: "agent",
      capacityProviders: ["FARGATE"],
      subnets: ["subnet-a"],
      securityGroups: ["sg-1"],
      assignPublicIp: "false",
      enableExecuteCommand: false,
      nameVariable: "TFC_AGENT_NAME",
    },
  };
}

/** A cold start of the deployed function, and one invocation. */
async function invoke(
  changes: Partial<AutoscaleEnv> = {},
  remainingMilliseconds = 120_000,
  event: object = { source: "schedule" },
) {
  const { handler, context } = await start(changes, remainingMilliseconds);
  return handler(event, context);
}

async function start(changes: Partial<AutoscaleEnv>, remainingMilliseconds = 120_000) {
  const environment = {
    ...z.encode(autoscaleEnv, {
      FLEET: "ci",
      TICK_SECONDS: 60,
      STATE_TABLE: "ci-state",
      SETTINGS_TABLE: "ci-settings",
      NEXT_LOOKS_QUEUE_URL: `${aws.url}/000000000000/ci-next-looks`,
      API_TOKEN_SECRET_ARN: secretArn,
      ...changes,
    }),
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = await import("../../../handlers/autoscale/index.ts");
  const context: Context = {
    callbackWaitsForEmptyEventLoop: false,
    functionName: "ci-autoscale",
    functionVersion: "1",
    invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:ci-autoscale",
    memoryLimitInMB: "512",
    awsRequestId: "request-1",
    logGroupName: "group",
    logStreamName: "stream",
    getRemainingTimeInMillis: () => remainingMilliseconds,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
  return { handler, context };
}

function environmentsOfTasks() {
  return [...ecs.tasks.values()].map((task) => task.overrides?.containerOverrides?.[0]?.environment);
}

const oneBurstAgent = [
  [
    { name: "TFC_AGENT_NAME", value: expect.stringMatching(/^ci_[0-9a-f]{12}$/) },
    { name: "AGENT_FLEETS_ROLE", value: "burst" },
  ],
];

it("asks the vendor with the token from the secret, and launches on ECS what is missing", async () => {
  expect(await invoke()).toMatchObject([{ lastDecision: { action: "scale-out", wanted: 1 } }]);
  expect(environmentsOfTasks()).toEqual(oneBurstAgent);
  expect(written.join("")).toContain('"JobsQueued":1');
});

it("defect 5: writes neither the token nor the event to its log, whether it fails or not", async () => {
  await invoke();
  hcp.fail({ answer: { status: 403, json: { echo: hcp.token } } });
  await expect(invoke()).rejects.toThrow("403");
  expect(written.join("")).toContain("the invocation failed");
  expect(written.join("")).not.toMatch(/test-token|schedule/);
});

it("counts demand from the run ledger in notifications mode, and reads no secret", async () => {
  const hour = Math.floor(Date.now() / 1000) + 3600;
  scanned = [
    {
      runId: { S: "run-1" },
      workspaceId: { S: "ws-1" },
      status: { S: "pending" },
      updatedAt: { N: String(Date.now()) },
      final: { BOOL: false },
      rank: { N: "0" },
      expiresAt: { N: String(hour) },
    },
  ];
  table.putPool(undefined, settingsOf({ vendor: { demand: "notifications" } }));
  await invoke({
    API_TOKEN_SECRET_ARN: undefined,
    LEDGER_TABLE: "ci-runs",
    RUN_TTL_SECONDS: 3600,
  });
  expect(environmentsOfTasks()).toEqual(oneBurstAgent);
  expect(hcp.requests).toEqual([]);
  expect(aws.requests.filter(({ headers }) => String(headers["x-amz-target"]).startsWith("secretsmanager"))).toEqual(
    [],
  );
});

it("fails, saying what to do, while the secret has no value", async () => {
  secret = { status: 400, json: { __type: "ResourceNotFoundException", message: "no value for staging label" } };
  await expect(invoke()).rejects.toThrow("fleet secret set");
  expect(ecs.tasks.size).toBe(0);
});

it("fails where the fleet was deployed without a secret that it needs", async () => {
  await expect(invoke({ API_TOKEN_SECRET_ARN: undefined })).rejects.toThrow("without an API token");
});

it("takes a pool of a fleet for itself: the names of its agents, their retirements, its figures", async () => {
  const environment = [
    { name: "TFC_AGENT_NAME", value: "ci.win_1" },
    { name: "AGENT_FLEETS_ROLE", value: "burst" },
  ];
  ecs.add({ family: "ci", overrides: { containerOverrides: [{ environment }] } });
  underWay = [{ name: "win_1.scale-in.1" }];
  table.putPool("win", settingsOf({ policy: { canRetire: true } }));
  await invoke({
    POOLS: ["win"],
    RETIREMENTS: {
      workflow: "arn:aws:states:us-east-1:000000000000:stateMachine:ci-retire",
      drainTimeoutSeconds: 60,
    },
  });
  expect(written.join("")).toMatch(/"Fleet":"ci","Pool":"win"/);
  expect(written.join("")).toContain('"AgentsRetiring":1');
  expect(environmentsOfTasks()[1]).toContainEqual({
    name: "TFC_AGENT_NAME",
    value: expect.stringMatching(/^ci\.win_[0-9a-f]{12}$/),
  });
});

it("does nothing while another pass runs", async () => {
  leaseIsHeld = true;
  expect(await invoke()).toEqual([]);
  expect([hcp.requests, ecs.tasks.size]).toEqual([[], 0]);
  const updates = aws.requests.filter(({ headers }) => String(headers["x-amz-target"]).endsWith("UpdateItem"));
  expect(updates).toHaveLength(1);
});

it("asks the vendor nothing that leaves no time to act before Lambda ends the pass", async () => {
  await expect(invoke({}, 30_000)).rejects.toThrow("no time left");
  expect(hcp.requests).toEqual([]);
  expect(ecs.tasks.size).toBe(0);
});

describe("pools whose rows are missing or bad", () => {
  const row = (changes: object) => {
    const { policy, ...rest } = JSON.parse(poolSettings.encode(settingsOf()));
    return JSON.stringify({ policy: { ...policy, ...changes }, ...rest });
  };

  it.each<[what: string, text: () => string | undefined, trouble: string]>([
    ["missing", () => undefined, "there is no row"],
    ["no JSON", () => "{", "is not JSON"],
    ["of nothing", () => "null", "expected object"],
    ["of another form", () => '{"policy":{}}', "policy.enabled"],
    ["with an unknown setting", () => row({ maximum: 7 }), "maximum"],
    ["with a floor above the ceiling", () => row({ min: 11, max: 10 }), "min not more than max"],
    ["with half an agent", () => row({ max: 1.5 }), "whole numbers"],
    ["with less than nothing", () => row({ maxRemovedPerTick: -1 }), "below 0"],
  ])("%s: that pool fails, and its agents stay; the others are served", async (_, textOf, trouble) => {
    table.putPool("good", settingsOf({ family: "ci_good" }));
    const text = textOf();
    if (text !== undefined) table.putText("pool", "bad", text);
    const environment = [{ name: "TFC_AGENT_NAME", value: "ci.bad_1" }];
    ecs.add({ family: "ci_bad", overrides: { containerOverrides: [{ environment }] } });
    await expect(invoke({ POOLS: ["bad", "good"] })).rejects.toThrow("the settings of pool bad cannot be used");
    expect(written.join("")).toContain(trouble);
    expect(ecs.calls.map(({ operation }) => operation)).not.toContain("StopTask");
    const names = environmentsOfTasks().map((variables) => variables?.[0]?.value);
    expect(names).toEqual(["ci.bad_1", expect.stringMatching(/^ci\.good_/)]);
  });

  it("a destroy of a fleet whose settings cannot be used is refused: nobody can say if it has agents", async () => {
    table.items.clear();
    const event = { source: "terraform", tf: { action: "delete", prev_input: null } };
    await expect(invoke({}, 120_000, event)).rejects.toThrow("Nothing was destroyed");
  });

  it("fifty pools are served by one invocation, which reads their settings in one query", async () => {
    const keys = Array.from({ length: 50 }, (_, index) => `pool-${index}`);
    for (const key of keys) table.putPool(key, settingsOf({ family: `ci_${key}` }));
    expect(await invoke({ POOLS: keys })).toHaveLength(50);
    const queries = aws.requests.filter(({ headers }) => String(headers["x-amz-target"]).endsWith(".Query"));
    const begun = queries.map(({ body }) => JSON.parse(body.toString())).filter((query) => !query.ExclusiveStartKey);
    const parts = begun.map((query) => query.ExpressionAttributeValues[":part"].S);
    expect(parts.filter((part) => part === "pool")).toHaveLength(1);
    expect(ecs.tasks.size).toBe(50);
  });
});

it("sees what a deployment wrote in its next pass, in the same container", async () => {
  const { handler, context } = await start({});
  await handler({}, context);
  table.putPool(undefined, settingsOf({ policy: { min: 3, max: 3 } }));
  expect(await handler({}, context)).toMatchObject([{ lastDecision: { wanted: 3 } }]);
});

describe("what an operator has set", () => {
  const soon = () => new Date(Date.now() + 3_600_000);

  it("a pause holds the fleet, and the log line and a metric say so", async () => {
    table.putOverride("pause", undefined, { until: soon(), reason: "look at #7" });
    expect(await invoke()).toMatchObject([{ lastDecision: { action: "hold", launch: [] } }]);
    expect(ecs.tasks.size).toBe(0);
    expect(written.join("")).toMatch(/an operator paused it until \S+: look at #7/);
    expect(written.join("")).toContain('"Paused":1');
  });

  it("limits hold in place of the stack's", async () => {
    table.putOverride("limits", undefined, { min: 2, until: soon() });
    expect(await invoke()).toMatchObject([{ lastDecision: { wanted: 2 } }]);
    expect(written.join("")).not.toContain('"Paused"');
  });

  it("what is over counts no more, though the row is still there", async () => {
    table.putOverride("pause", undefined, { until: new Date(Date.now() - 1) });
    expect(await invoke()).toMatchObject([{ lastDecision: { action: "scale-out" } }]);
  });

  it("a bad row counts for nothing, and the log names it", async () => {
    table.putText("override", "pause (fleet)", "yes");
    expect(await invoke()).toMatchObject([{ lastDecision: { action: "scale-out" } }]);
    expect(written.join("")).toContain("pause (fleet)");
  });

  it("a pass fails where nobody can say whether the fleet is paused", async () => {
    aws.fail({
      when: ({ body }) => body.toString().includes('"override"'),
      answer: { status: 400, json: { __type: "AccessDeniedException", message: "not allowed" } },
    });
    await expect(invoke()).rejects.toThrow("not allowed");
    expect(ecs.tasks.size).toBe(0);
  });
});

describe("Terraform's own invocations", () => {
  const terraform = (action: string) => invoke({}, 120_000, { source: "terraform", tf: { action, prev_input: null } });

  it.each(["create", "update"])("%s does nothing", async (action) => {
    expect(await terraform(action)).toEqual([]);
    expect(ecs.calls).toEqual([]);
  });

  it("need neither the vendor nor a secret with a value: a first deploy comes before the secrets are filled", async () => {
    secret = { status: 400, json: { __type: "ResourceNotFoundException" } };
    await hcp.close();
    expect(await terraform("create")).toEqual([]);
    expect(await terraform("delete")).toEqual({ destroy: "allowed" });
  });

  it("delete of a second group asks for that group alone, which a fleet of tasks does not have", async () => {
    const event = { source: "terraform", part: "fallback", tf: { action: "delete" } };
    await expect(invoke({}, 120_000, event)).rejects.toThrow("knows no fallback");
  });

  it.each([
    "delete",
    "of the future",
  ])("%s fails while a task of the fleet is left, whoever started it", async (action) => {
    const { taskArn } = ecs.add({ family: "ci" });
    await expect(terraform(action)).rejects.toThrow(String(taskArn));
  });

  it("delete succeeds without tasks, and launches none for the job that waits", async () => {
    ecs.add({ family: "ci", lastStatus: "STOPPED", desiredStatus: "STOPPED" });
    ecs.add({ family: "other" });
    expect(await terraform("delete")).toEqual({ destroy: "allowed" });
    expect(ecs.calls.map(({ operation }) => operation)).not.toContain("RunTask");
  });
});
