import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { SecretUnavailableError, SecretWithoutValueError } from "../lib/core/errors.ts";
import type { Keyring } from "../lib/core/keyring.ts";
import type { Log, RunLedger, SeenRun, WakeUp } from "../lib/core/ports.ts";
import { supersedes } from "../lib/core/run-order.ts";
import type { WebhookOutcome, WebhookRequest, WebhookVendor } from "../lib/core/webhook.ts";

/** The dependencies of the webhook. */
export interface WebhookDeps {
  readonly vendor: WebhookVendor;
  readonly keyring: Keyring;
  /** Only in notifications mode. */
  readonly ledger?: RunLedger | undefined;
  readonly wakeUp: WakeUp;
  readonly log: Log;
}

const maxBodyBytes = 256 * 1024;

/**
 * Takes one message of the vendor. Every answer has an empty body:
 *
 * - 200: signed and understood, including handshakes and messages that need no action;
 * - 400: signed, but not a message of the vendor; 401: no signature by one of our keys, or we have no key yet. Then
 *   nobody can tell the vendor from a stranger, and no stranger may raise the alarm on 5xx;
 * - 404, 405, 413: another path, another method, more than 256 KiB;
 * - 503: our own secret cannot be read.
 *
 * @throws errors of the ledger or the wake-up. The sender then gets 500, which all vendors accept, and the Errors
 * metric counts. The loop is woken even if the ledger failed.
 */
export async function handleWebhook(
  event: APIGatewayProxyEventV2,
  deps: WebhookDeps,
): Promise<APIGatewayProxyStructuredResultV2> {
  const route = deps.vendor.find(({ path }) => path === event.rawPath);
  if (route === undefined) return answer(404);
  if (event.requestContext.http.method !== "POST") return { ...answer(405), headers: { allow: "POST" } };

  const request = decode(event);
  if (request.body.byteLength > maxBodyBytes) return answer(413);

  const proof = route.proof(request);
  try {
    if (proof === undefined || !(await deps.keyring.fits(proof))) {
      deps.log.warn("request refused: not signed with the fleet's key", { path: route.path });
      return answer(401);
    }
  } catch (error) {
    if (!(error instanceof SecretUnavailableError)) throw error;
    if (error instanceof SecretWithoutValueError) {
      deps.log.warn("request refused: the fleet has no key yet", { path: route.path, error });
      return answer(401);
    }
    deps.log.error("signatures cannot be checked", { path: route.path, error });
    return answer(503);
  }

  const outcome = await route.receive(request);
  deps.log.info("request accepted", {
    path: route.path,
    status: outcome.status,
    seenRuns: outcome.seenRuns.length,
    wake: outcome.wake,
  });
  try {
    await record(outcome, deps);
  } finally {
    if (outcome.wake) await deps.wakeUp.wake();
  }
  return answer(outcome.status);
}

/** Writes each run once, its newest state, and all runs before it fails for one of them. */
async function record({ seenRuns }: WebhookOutcome, { ledger }: WebhookDeps): Promise<void> {
  if (ledger === undefined) return;
  const newest = new Map<string, SeenRun>();
  for (const seenRun of seenRuns) {
    const known = newest.get(seenRun.runId);
    if (known === undefined || supersedes(seenRun, known)) newest.set(seenRun.runId, seenRun);
  }
  const results = await Promise.allSettled([...newest.values()].map((seenRun) => ledger.record(seenRun)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

function decode({ headers = {}, body = "", isBase64Encoded }: APIGatewayProxyEventV2): WebhookRequest {
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
  };
}

function answer(statusCode: number): APIGatewayProxyStructuredResultV2 {
  return { statusCode, body: "" };
}
