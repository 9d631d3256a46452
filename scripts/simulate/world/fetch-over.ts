import type { IncomingHttpHeaders } from "node:http";
import type { EventClock } from "./event-clock.ts";
import type { Wire } from "./wire.ts";

/** A request to a vendor's fake. */
export interface FakeRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A fake's answer. */
export interface FakeAnswer {
  readonly status: number;
  readonly statusText?: string;
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly text?: string;
}

/** What the clients of a vendor are made with: no socket, virtual time, and no chance but the world's. */
export function clientDepsOver(
  handle: (request: FakeRequest) => FakeAnswer,
  { clock, random, wire }: { readonly clock: EventClock; readonly random: () => number; readonly wire: Wire },
) {
  return {
    fetch: fetchOver(handle, wire),
    readToken: () => Promise.resolve("test-token"),
    // Clients draw their backoff by themselves. A world is the same each time it is run.
    clock: { now: () => clock.now(), sleep: () => clock.sleep(300 + 2_000 * random()) },
  };
}

function fetchOver(handle: (request: FakeRequest) => FakeAnswer, wire: Wire): typeof fetch {
  return async (input, init) => {
    const url = new URL(String(input));
    const request: FakeRequest = {
      method: init?.method ?? "GET",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: {},
      body: Buffer.from(String(init?.body ?? "")),
    };
    const { status, json } = await wire(
      () => handle(request),
      () => new Error("socket hang up"),
    );
    const body = json === undefined ? [] : [Buffer.from(JSON.stringify(json))];
    // As much of a response as clients read. A real one would leave virtual time to be read.
    return { status, ok: status >= 200 && status < 300, headers: new Headers(), body } as unknown as Response;
  };
}
