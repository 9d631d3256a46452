import { createHmac } from "node:crypto";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { SecretWithoutValueError } from "../../../handlers/lib/core/errors.ts";
import { createKeyring } from "../../../handlers/lib/core/keyring.ts";
import type { Log, Metrics, SecretReader } from "../../../handlers/lib/core/ports.ts";
import type { VendorRuntime } from "../../../handlers/lib/settings/vendors.ts";
import { createWebhookVendor } from "../../../handlers/lib/vendors/webhooks.ts";
import { handleWebhook } from "../../../handlers/webhook/handler.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createRunLedgerFake } from "../../fakes/run-ledger.ts";

/** The fleet's key in these tests. */
const key = "test-key";

/** A request of API Gateway, everything optional. */
export interface Posted {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly base64?: boolean;
}

/** Hex HMAC-SHA512, as HCP Terraform signs. */
export function sign(body: string | Buffer, withKey = key): string {
  return createHmac("sha512", withKey).update(body).digest("hex");
}

/** A signed notification. */
export function notification(body: unknown, withKey = key): Posted {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    path: "/notifications",
    body: text,
    headers: { "X-TFE-Notification-Signature": sign(text, withKey) },
  };
}

/** A signed run task request. */
export function runTask(body: unknown): Posted {
  const text = JSON.stringify(body);
  return { path: "/run-task", body: text, headers: { "X-TFC-Task-Signature": sign(text) } };
}

/** The body of a notification about one run, as the facts file shows it. */
export function runBody(
  events: readonly { trigger: string; run_status: string | null; run_updated_at?: string | null }[],
  run = { run_id: "run-1", workspace_id: "ws-1" },
) {
  return {
    payload_version: 1,
    notification_configuration_id: "nc-1",
    run_url: "https://app.terraform.io/app/acme/one/runs/run-1",
    run_message: "canary-message",
    run_created_at: "2026-01-01T00:00:00.000Z",
    run_created_by: "canary-person",
    workspace_name: "one",
    organization_name: "acme",
    ...run,
    notifications: events.map((event) => ({ message: "Run", run_updated_by: "canary-person", ...event })),
  };
}

/** The Lambda's event for a request. */
function eventOf({ method = "POST", path = "/notifications", headers = {}, body, base64 }: Posted) {
  const time = new Date(0);
  const event: APIGatewayProxyEventV2 = {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    headers,
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "api.example",
      domainPrefix: "api",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "192.0.2.1", userAgent: "test" },
      requestId: "request",
      routeKey: "$default",
      stage: "$default",
      time: time.toISOString(),
      timeEpoch: 0,
    },
    isBase64Encoded: base64 ?? false,
  };
  if (body !== undefined) event.body = Buffer.from(body).toString(base64 ? "base64" : "utf8");
  return event;
}

/** A secret store in memory that caches until asked afresh, and counts how often it was really asked. */
export interface SecretsFake extends SecretReader {
  /** Newest first; empty: not set yet. */
  stored: readonly string[];
  failure: Error | undefined;
  readonly asked: () => number;
}

/** See {@link SecretsFake}. */
export function createSecretsFake(stored: readonly string[]): SecretsFake {
  let cached: readonly string[] | undefined;
  let asked = 0;
  const fake: SecretsFake = {
    stored,
    failure: undefined,
    asked: () => asked,
    async readVersions(arn, { fresh = false } = {}) {
      if (cached && !fresh) return cached;
      asked += 1;
      if (fake.failure) throw fake.failure;
      if (fake.stored.length === 0) throw new SecretWithoutValueError(`The secret ${arn} has no value yet`);
      cached = fake.stored;
      return cached;
    },
    async read(arn, options) {
      return (await fake.readVersions(arn, options))[0] ?? "";
    },
  };
  return fake;
}

/** The whole webhook but AWS: vendor half, keyring and handler over ports in memory. */
export function createWebhook(options: { address?: string; keys?: readonly string[]; ledger?: boolean } = {}) {
  const clock = createFakeClock();
  const lines: { level: keyof Log; message: string; fields?: Record<string, unknown> | undefined }[] = [];
  const log: Log = {
    info: (message, fields) => lines.push({ level: "info", message, fields }),
    warn: (message, fields) => lines.push({ level: "warn", message, fields }),
    error: (message, fields) => lines.push({ level: "error", message, fields }),
  };
  const records: Parameters<Metrics["record"]>[0][] = [];
  const metrics: Metrics = { record: (values) => records.push(values) };
  const runtime: VendorRuntime = {
    type: "hcp-terraform",
    organization: "acme",
    agentPool: "aws",
    address: options.address ?? "https://app.terraform.io",
    demand: options.ledger ? "notifications" : "api",
  };
  const secrets = createSecretsFake(options.keys ?? [key]);
  const ledger = createRunLedgerFake();
  const wakeUp = {
    count: 0,
    failure: undefined as Error | undefined,
    async wake() {
      wakeUp.count += 1;
      if (wakeUp.failure) throw wakeUp.failure;
    },
  };
  const deps = {
    vendor: createWebhookVendor(runtime, { log, metrics, clock }),
    keyring: createKeyring("arn:aws:secretsmanager:us-east-1:000000000000:secret:key", { secrets, clock }),
    ledger: options.ledger ? ledger : undefined,
    wakeUp,
    log,
  };
  const send = (posted: Posted): Promise<APIGatewayProxyStructuredResultV2> => handleWebhook(eventOf(posted), deps);
  return { send, deps, clock, lines, written: () => textOf(lines), records, secrets, ledger, wakeUp };
}

/** Everything in a value as text, errors with their stacks and causes. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    part instanceof Error ? { ...part, message: part.message, stack: part.stack, cause: part.cause } : part,
  );
}
