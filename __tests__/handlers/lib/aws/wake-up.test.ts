import { LambdaClient } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWakeUp } from "../../../../handlers/lib/aws/wake-up.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

let aws: HttpFake;

beforeAll(async () => {
  aws = await startHttpFake(() => ({ status: 202 }));
});

afterAll(() => aws.close());

function setUp() {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  return createWakeUp(
    "ci-autoscale",
    new LambdaClient({ endpoint: aws.url, region: "us-east-1", credentials, maxAttempts: 1 }),
  );
}

it("invokes the loop's function without waiting for it", async () => {
  await setUp().wake();
  const request = aws.requests.at(-1);
  expect(request).toMatchObject({ method: "POST", path: "/2015-03-31/functions/ci-autoscale/invocations" });
  expect(request?.headers["x-amz-invocation-type"]).toBe("Event");
  expect(JSON.parse(String(request?.body))).toEqual({ source: "wake-up" });
});

it("rejects when Lambda refuses", async () => {
  aws.fail({ times: 1, answer: { status: 404, json: { Type: "User", Message: "Function not found" } } });
  await expect(setUp().wake()).rejects.toThrow();
});
