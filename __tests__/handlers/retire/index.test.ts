import type { Context, SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { releaseEnv } from "../../../handlers/lib/settings/release.ts";
import { retireEnv } from "../../../handlers/lib/settings/retire.ts";
import type { VendorRuntime } from "../../../handlers/lib/settings/vendors.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { terminateEvent } from "../../fakes/instance-events.ts";
import { createSettingsTableFake, type SettingsTableFake } from "../../fakes/settings-table.ts";
import { policyOf } from "../../fixtures/policy.ts";

const instance = "i-0123456789abcdef0";
const secretArn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:agent-fleets/ci/pat";

let aws: HttpFake;
let azure: HttpFake;
let enabled: boolean;
let written: string[];
let table: SettingsTableFake;

beforeEach(async () => {
  aws = await startHttpFake(answerAsAws);
  azure = await startHttpFake(answerAsAzureDevOps);
  enabled = true;
  written = [];
  table = createSettingsTableFake();
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
  }
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await Promise.all([aws.close(), azure.close()]);
});

function answerAsAws(request: FakeRequest): FakeAnswer {
  const settings = table.answer(request);
  if (settings) return settings;
  const target = String(request.headers["x-amz-target"]);
  if (target === "secretsmanager.GetSecretValue") return { status: 200, json: { SecretString: "test-token" } };
  if (target === "AWSStepFunctions.StartExecution") return { status: 200, json: { executionArn: "arn", startDate: 1 } };
  const text = `<DescribeAutoScalingInstancesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeAutoScalingInstancesResult><AutoScalingInstances><member><InstanceId>${instance}</InstanceId><AutoScalingGroupName>ci</AutoScalingGroupName></member></AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>`;
  return { status: 200, headers: { "content-type": "text/xml" }, text };
}

/** Pool 7 with one agent, which has no job. */
function answerAsAzureDevOps({ method, path, body }: FakeRequest): FakeAnswer {
  const agent = { id: 3, name: "ci.win_1", enabled, status: "online" };
  if (path.endsWith("/pools/7")) return { status: 200, json: { id: 7, name: "win" } };
  if (path.endsWith("/pools/7/agents")) return { status: 200, json: { value: [agent] } };
  if (!path.endsWith("/pools/7/agents/3")) return { status: 404 };
  if (method === "PATCH") enabled = JSON.parse(String(body)).enabled;
  return { status: 200, json: { ...agent, enabled } };
}

const context = {
  functionName: "ci-retire",
  awsRequestId: "request-1",
  memoryLimitInMB: "256",
  getRemainingTimeInMillis: () => 60_000,
} as Context;

async function coldStart(handler: "retire" | "release", environment: Record<string, string | undefined>) {
  const variables = {
    ...environment,
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.resetModules();
  if (handler === "retire") return (await import("../../../handlers/retire/index.ts")).handler;
  const release = (await import("../../../handlers/release/index.ts")).handler;
  return (event: unknown, of: Context) => release(event as SQSEvent, of);
}

function putPool(pool?: { readonly id: number; readonly name: string }) {
  table.putPool(pool?.name, {
    policy: policyOf(),
    vendor: azureDevOps(pool),
    capacity: { type: "asg", group: "ci", hook: "retire", bootSeconds: 1200 },
  });
}

function azureDevOps(pool: { readonly id?: number; readonly name: string } = { name: "linux" }): VendorRuntime {
  return {
    type: "azure-devops",
    url: azure.url,
    auth: { type: "pat" },
    pool,
    capabilities: {},
    placeholder: "ci.placeholder",
  };
}

describe("the retire function", () => {
  it("asks the vendor of the agent's pool, with the token from the secret", async () => {
    putPool({ id: 7, name: "win" });
    table.putText("pool", "linux", "{");
    const handler = await coldStart(
      "retire",
      z.encode(retireEnv, {
        FLEET: "ci",
        SETTINGS_TABLE: "ci-settings",
        API_TOKEN_SECRET_ARN: secretArn,
      }),
    );
    const event = { step: "drain", reason: "scale-in", agent: { name: "ci.win_1", capacityId: "task", pool: "win" } };
    expect(await handler(event, context)).toEqual({ state: "idle" });
    expect(enabled).toBe(false);
    expect(written.join("")).toContain("retirement step");
    expect(written.join("")).not.toContain("test-token");
  });

  it("asks the vendor nothing in the last seconds of an invocation, and counts that as the pool's trouble", async () => {
    putPool({ id: 7, name: "win" });
    const handler = await coldStart(
      "retire",
      z.encode(retireEnv, {
        FLEET: "ci",
        SETTINGS_TABLE: "ci-settings",
        API_TOKEN_SECRET_ARN: secretArn,
      }),
    );
    const event = { step: "drain", reason: "scale-in", agent: { name: "ci.win_1", capacityId: "task", pool: "win" } };
    const late = { ...context, getRemainingTimeInMillis: () => 3_000 };
    await expect(handler(event, late)).rejects.toThrow("no time left");
    expect(azure.requests).toEqual([]);
    expect(written.join("")).toMatch(/"Fleet":"ci","Pool":"win".*"VendorApiErrors":1/);
  });

  it.each([
    ["no row", undefined, "there is no row"],
    ["a bad row", "[]", "expected object"],
  ])("fails for a pool with %s, and asks the vendor nothing: the agent stays", async (_, text, trouble) => {
    if (text !== undefined) table.putText("pool", "win", text);
    const handler = await coldStart("retire", z.encode(retireEnv, { FLEET: "ci", SETTINGS_TABLE: "ci-settings" }));
    const event = { step: "drain", reason: "scale-in", agent: { name: "ci.win_1", capacityId: "task", pool: "win" } };
    await expect(handler(event, context)).rejects.toThrow(trouble);
    expect(azure.requests).toEqual([]);
    expect(enabled).toBe(true);
  });

  it("fails, under the name that the workflow knows, where there is no token", async () => {
    putPool();
    const handler = await coldStart("retire", z.encode(retireEnv, { FLEET: "ci", SETTINGS_TABLE: "ci-settings" }));
    const event = { step: "drain", reason: "scale-in", agent: { name: "ci_1", capacityId: "task" } };
    await expect(handler(event, context)).rejects.toMatchObject({ name: "SecretUnavailableError" });
  });
});

describe("the release function", () => {
  it("starts the retirement of an instance that the group terminates", async () => {
    const handler = await coldStart(
      "release",
      z.encode(releaseEnv, {
        FLEET: "ci",
        GROUP: ["ci"],
        RETIREMENTS: {
          workflow: "arn:aws:states:us-east-1:000000000000:stateMachine:ci-retire",
          drainTimeoutSeconds: 60,
        },
      }),
    );
    const body = JSON.stringify(terminateEvent(instance));
    const record = { messageId: "1", body, attributes: { SenderId: "AIDAEXAMPLEOFEVENTS" } };
    expect(await handler({ Records: [record] }, context)).toEqual({ batchItemFailures: [] });
    const [started] = aws.requests.filter(({ headers }) => String(headers["x-amz-target"]).includes("StartExecution"));
    expect(JSON.parse(String(started?.body)).name).toMatch(/^i-0123456789abcdef0\.terminating\.\d+$/);
  });
});
