import { createHmac } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createKeyring } from "../../handlers/lib/core/keyring.ts";
import type { Log } from "../../handlers/lib/core/ports.ts";
import { systemClock } from "../../handlers/lib/runtime/clock.ts";
import { createWebhookVendor } from "../../handlers/lib/vendors/webhooks.ts";
import { handleWebhook, type WebhookDeps } from "../../handlers/webhook/handler.ts";
import { type Figure, median } from "./figure.ts";

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

  const rates: number[] = [];
  for (let run = 0; run < 7; run += 1) {
    const start = performance.now();
    for (let call = 0; call < callsPerRun; call += 1) await handleWebhook(event, deps);
    rates.push((callsPerRun * 1000) / (performance.now() - start));
  }
  return [
    { what: "webhook verifications, one core", value: median(rates), unit: "/s", goal: { value: 5000, atLeast: true } },
  ];
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
