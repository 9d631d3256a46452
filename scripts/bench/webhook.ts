import { createHmac } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createKeyring } from "../../handlers/lib/core/keyring.ts";
import type { Log } from "../../handlers/lib/core/ports.ts";
import { systemClock } from "../../handlers/lib/runtime/clock.ts";
import { createWebhookVendor } from "../../handlers/lib/vendors/webhooks.ts";
import { handleWebhook, type WebhookDeps } from "../../handlers/webhook/handler.ts";
import type { Figure } from "./figure.ts";
import { alternately, ownProcessorTime } from "./measure.ts";

const key = "bench-key";
const callsPerRun = 5000;
const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Signed notifications through the whole handler, with ports in memory: verification, parsing, run news. */
export async function measureWebhook(): Promise<Figure[]> {
  const deps: WebhookDeps = {
    vendor: createWebhookVendor(
      {
        type: "hcp-terraform",
        organization: "acme",
        agentPool: "aws",
        address: "https://app.terraform.io",
        demand: "api",
      },
      { log: silent, metrics: { record: () => undefined }, clock: systemClock },
    ),
    keyring: createKeyring("arn", {
      clock: systemClock,
      secrets: { read: async () => key, readVersions: async () => [key, "previous-key"] },
    }),
    wakeUp: { wake: async () => undefined },
    log: silent,
  };
  const event = signedEvent();
  const { statusCode } = await handleWebhook(event, deps);
  if (statusCode !== 200) throw new Error(`the benchmark's own request was answered ${statusCode}`);

  const { body = "" } = event;
  const { whole, hmac } = await alternately(7, {
    whole: () => rate(() => handleWebhook(event, deps)),
    hmac: () => rate(() => createHmac("sha512", key).update(body).digest("hex")),
  });
  return [
    {
      what: "webhook verifications, one core",
      value: whole,
      unit: "/s",
      baseline: { what: "one HMAC of the body", value: hmac },
      goal: { value: 5000, atLeast: true },
    },
  ];
}

/** Calls a second of processor time. */
async function rate(call: () => unknown): Promise<number> {
  const milliseconds = await ownProcessorTime(async () => {
    for (let calls = 0; calls < callsPerRun; calls += 1) await call();
  });
  return (callsPerRun * 1000) / milliseconds;
}

function signedEvent(): APIGatewayProxyEventV2 {
  const body = JSON.stringify({
    payload_version: 1,
    run_id: "run-1",
    workspace_id: "ws-1",
    run_message: "x".repeat(500),
    notifications: [{ trigger: "run:created", run_status: "pending", run_updated_at: "2026-01-01T00:00:00.000Z" }],
  });
  const signature = createHmac("sha512", key).update(body).digest("hex");
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/notifications",
    rawQueryString: "",
    headers: { "X-TFE-Notification-Signature": signature },
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.example",
      domainPrefix: "api",
      http: { method: "POST", path: "/notifications", protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "bench" },
      requestId: "request",
      routeKey: "$default",
      stage: "$default",
      time: "",
      timeEpoch: 0,
    },
    body,
    isBase64Encoded: false,
  };
}
