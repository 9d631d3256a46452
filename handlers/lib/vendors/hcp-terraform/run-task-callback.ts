import { isProtected } from "../../core/address.ts";
import { SecretUnavailableError, VendorApiError, type VendorApiErrorKind } from "../../core/errors.ts";
import type { WebhookVendorDeps } from "../../core/webhook.ts";
import { createHttp } from "../http.ts";

/** Two attempts and the wait between them stay well below the ten seconds that we have for the answer. */
const limits = { timeoutMilliseconds: 2_000, attempts: 2, maxWaitMilliseconds: 1_000, maxResponseBytes: 64 * 1024 };

const passed = {
  data: { type: "task-results", attributes: { status: "passed", message: "The agent fleet is awake." } },
};

/** HCP Terraform's answers for a task result that it does not wait for: an old token, an ended run (assumed). */
const refusals: ReadonlySet<VendorApiErrorKind> = new Set(["unauthorized", "not-found", "conflict", "invalid"]);

/**
 * Reports to HCP Terraform that a run task passed. The URL is from the payload, so the token is sent only to the
 * configured `address`. Neither of them is logged.
 *
 * @returns `not-sent` if the URL is not at the configured address; `not-awaited` if HCP Terraform refused the result,
 * as it does when the request is an old one. A failed call is logged and counted, but the webhook does not fail, because
 * the task is advisory.
 */
export async function passRunTask(
  callback: { readonly url: string; readonly accessToken: string },
  { address, clock, fetch, log, metrics }: WebhookVendorDeps & { readonly address: string },
): Promise<"sent" | "not-sent" | "not-awaited"> {
  const url = urlAt(address, callback.url);
  if (url === undefined) {
    log.warn("run task callback refused: its URL is not at the configured address", { address });
    return "not-sent";
  }
  const http = createHttp({
    ...limits,
    baseUrl: url.origin,
    clock,
    fetch,
    headers: { "content-type": "application/vnd.api+json" },
    authorize: async () => ({ authorization: `Bearer ${callback.accessToken}` }),
  });
  try {
    const path = url.pathname + url.search;
    await http.send({
      method: "PATCH",
      path,
      body: passed,
      label: "run task callback",
      secrets: [path],
      idempotent: true,
    });
  } catch (error) {
    if (!(error instanceof VendorApiError || error instanceof SecretUnavailableError)) throw error;
    log.warn("run task callback failed", { error });
    metrics.record({ VendorApiErrors: 1 });
    if (error instanceof VendorApiError && refusals.has(error.kind)) return "not-awaited";
  }
  return "sent";
}

/** The parsed URL if it has the scheme, host and port of `address`, is encrypted (except on loopback) and has no user. */
function urlAt(address: string, text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.username === "" && url.password === "";
  return isProtected(url) && plain && url.origin === new URL(address).origin ? url : undefined;
}
