import type { Clock, Log, Metrics, SeenRun } from "./ports.ts";
import type { Proof } from "./signature.ts";

/** A request as it came in, freed of what transported it. */
export interface WebhookRequest {
  /** Keys in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The raw bytes that were signed. */
  readonly body: Buffer;
}

/** What an authentic request means to the fleet. */
export interface WebhookOutcome {
  /** 400: the request is no valid message of the vendor. */
  readonly status: 200 | 400;
  /** For the run ledger, where the fleet keeps one. */
  readonly seenRuns: readonly SeenRun[];
  /** Whether the loop should look now. */
  readonly wake: boolean;
}

/** One kind of message a vendor posts to us. */
export interface WebhookRoute {
  readonly path: string;
  /** The sender's proof of knowing the fleet's key; `undefined` when there is none that any key could fit. */
  proof(request: WebhookRequest): Proof | undefined;
  /** Called for authentic requests only. Trouble at the vendor's API is logged and counted, not thrown. */
  receive(request: WebhookRequest): Promise<WebhookOutcome>;
}

/** A vendor's webhook half: the messages it posts. Paths differ. */
export type WebhookVendor = readonly WebhookRoute[];

/** What a vendor's webhook half may use. */
export interface WebhookVendorDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** A signed message of no interest. */
export const ignored: WebhookOutcome = { status: 200, seenRuns: [], wake: false };

/** A signed request that is no message of the vendor. */
export const malformed: WebhookOutcome = { status: 400, seenRuns: [], wake: false };

/** The JSON in a request's body, `undefined` if it is none. */
export function parseJson({ body }: WebhookRequest): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
