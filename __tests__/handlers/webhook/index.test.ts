import type { Context } from "aws-lambda";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as z from "zod";
import { webhookEnv } from "../../../handlers/lib/settings/webhook.ts";
import { type FakeRequest, type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { notification, runBody } from "./harness.ts";

let aws: HttpFake;

beforeEach(async () => {
  aws = await startHttpFake((request) => {
    const json = targetOf(request) === "secretsmanager.GetSecretValue" ? { SecretString: "test-key" } : {};
    return { status: request.path.endsWith("/invocations") ? 202 : 200, json };
  });
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await aws.close();
});

const targetOf = ({ headers }: FakeRequest) => headers["x-amz-target"];

/** A cold start of the deployed function, and one signed notification of a new run. */
async function invoke(changes: Partial<z.output<typeof webhookEnv>>) {
  const environment = {
    ...z.encode(webhookEnv, {
      FLEET: "ci",
      VENDOR: { type: "hcp-terraform", organization: "acme", agentPool: "aws", address: "https://x", demand: "api" },
      NOTIFICATION_SECRET_ARN: "arn:aws:secretsmanager:us-east-1:000000000000:secret:ci/notification-token",
      AUTOSCALE_FUNCTION_NAME: "ci-autoscale",
      ...changes,
    }),
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = await import("../../../handlers/webhook/index.ts");
  const { path, headers, body } = notification(runBody([{ trigger: "run:created", run_status: "pending" }]));
  const event = { rawPath: path, headers, body, isBase64Encoded: false, requestContext: { http: { method: "POST" } } };
  const context = { awsRequestId: "request-1", getRemainingTimeInMillis: () => 10_000 } as Context;
  return handler(event as never, context);
}

it.each([
  ["the run goes into the ledger, where the fleet keeps one", { LEDGER_TABLE: "ci-runs", RUN_TTL_SECONDS: 3600 }, 1],
  ["a fleet that asks the API keeps none", {}, 0],
])("a signed notification wakes the loop; %s", async (_, changes, written) => {
  expect(await invoke(changes)).toMatchObject({ statusCode: 200 });
  const puts = aws.requests.filter((request) => targetOf(request) === "DynamoDB_20120810.PutItem");
  expect(puts.map(({ body }) => JSON.parse(String(body)).TableName)).toEqual(Array(written).fill("ci-runs"));
  expect(aws.requests.filter(({ path }) => path.endsWith("/functions/ci-autoscale/invocations"))).toHaveLength(1);
});
