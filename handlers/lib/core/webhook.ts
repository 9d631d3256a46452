import type { Clock, Log, Metrics, SeenRun } from "./ports.ts";
import type { Proof } from "./signature.ts";

/** An incoming request, independent of its transport. */
export interface WebhookRequest {
  /** Keys in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes that were signed. */
  readonly body: Buffer;
}

/** The meaning of an authentic request for the fleet. */
export interface WebhookOutcome {
  /** 400: the request is not a valid message of the vendor. */
  readonly status: 200 | 400;
  /** For the run ledger, if the fleet has one. */
  readonly seenRuns: readonly SeenRun[];
  /** Whether to wake the loop. */
  readonly wake: boolean;
}

/** One kind of message that a vendor posts to us. */
export interface WebhookRoute {
  readonly path: string;
  /** The sender's proof that it knows the fleet's key; `undefined` if no key could ever fit. */
  proof(request: WebhookRequest): Proof | undefined;
  /** Called for authentic requests only. Logs and counts failures of the vendor's API instead of throwing them. */
  receive(request: WebhookRequest): Promise<WebhookOutcome>;
}

/** A vendor's webhook half: the messages that it posts, each with its own path. */
export type WebhookVendor = readonly WebhookRoute[];

/** Dependencies of a vendor's webhook half. */
export interface WebhookVendorDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** For calls of the vendor. Left out: Node's own. */
  readonly fetch?: typeof fetch | undefined;
}

/** The answer to a signed message that needs no action. */
export const ignored: WebhookOutcome = { status: 200, seenRuns: [], wake: false };

/** The answer to a signed request that is not a message of the vendor. */
export const malformed: WebhookOutcome = { status: 400, seenRuns: [], wake: false };

/** The JSON in a request's body; `undefined` if it is not JSON. */
export function parseJson({ body }: WebhookRequest): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
