import { ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";
import { afterEach, describe, expect, it } from "vitest";
import { signatureOf, signedCall } from "../../../../handlers/lib/aws/signed-call.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

const credentials = { accessKeyId: "test-key-id", secretAccessKey: "test-secret-key", sessionToken: "test-session" };
const region = "eu-west-1";

let http: HttpFake | undefined;
afterEach(() => http?.close());

describe("a signed call", () => {
  it("has the signature that AWS's own client gives the same request", async () => {
    http = await startHttpFake(() => ({ status: 200, json: {} }));
    const ecs = new ECSClient({ region, credentials, endpoint: http.url });
    await ecs.send(new ListClustersCommand({ maxResults: 3 }));
    const [request] = http.requests;
    const headers = request?.headers ?? {};
    const authorization = String(headers.authorization);
    const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(";") ?? [];
    expect(signed).toEqual(expect.arrayContaining(["host", "x-amz-date", "x-amz-security-token", "x-amz-target"]));
    const own = Object.fromEntries(signed.map((name) => [name, String(headers[name])]));
    const body = String(request?.body);
    const signature = signatureOf({ headers: own, body }, { region, service: "ecs", credentials });
    expect(signature).toBe(authorization);
  });

  it("speaks JSON to EventBridge and ECR, and a form to SNS", async () => {
    http = await startHttpFake(() => ({ status: 200, text: "answer" }));
    const deps = { region, credentials, env: { AWS_ENDPOINT_URL: http.url } };
    expect(await signedCall(deps, "events", "DescribeRule", { Name: "every-minute" })).toBe("answer");
    await signedCall(deps, "sns", "ListSubscriptionsByTopic", { TopicArn: "arn:x&y" });
    const [events, sns] = http.requests;
    expect(events?.headers).toMatchObject({
      "x-amz-target": "AWSEvents.DescribeRule",
      "x-amz-security-token": "test-session",
    });
    expect(events?.body.toString()).toBe('{"Name":"every-minute"}');
    expect(Object.fromEntries(new URLSearchParams(sns?.body.toString()))).toEqual({
      Action: "ListSubscriptionsByTopic",
      Version: "2010-03-31",
      TopicArn: "arn:x&y",
    });
  });

  it.each([
    ["JSON", '{"__type":"com.amazon#ResourceNotFoundException","message":"no such rule"}'],
    [
      "XML",
      "<ErrorResponse><Error><Code>ResourceNotFoundException</Code><Message>no such rule</Message></Error></ErrorResponse>",
    ],
  ])("throws AWS's own error from %s", async (_, text) => {
    http = await startHttpFake(() => ({ status: 400, text }));
    const call = signedCall(
      { region, credentials, env: { AWS_ENDPOINT_URL_ECR: http.url } },
      "ecr",
      "DescribeImages",
      {},
    );
    await expect(call).rejects.toMatchObject({ name: "ResourceNotFoundException", message: "no such rule" });
  });

  it("repeats nothing of what it sent when AWS quotes the signature", async () => {
    const quoted = {
      __type: "InvalidSignatureException",
      message: "The canonical string was x-amz-security-token:test-session",
    };
    http = await startHttpFake(() => ({ status: 403, json: quoted }));
    const call = signedCall({ region, credentials, env: { AWS_ENDPOINT_URL: http.url } }, "events", "DescribeRule", {});
    const error = await call.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "InvalidSignatureException" });
    expect(String(error)).not.toContain("test-session");
  });

  it("says why nobody answers", async () => {
    const env = { AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
    const call = signedCall({ region, credentials, env }, "events", "DescribeRule", {});
    await expect(call).rejects.toThrow(/ECONNREFUSED|bad port/);
  });
});
