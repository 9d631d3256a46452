import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FakeAnswer, FakeRequest } from "../../scripts/simulate/world/fetch-over.ts";

export type { FakeAnswer, FakeRequest };

/** A fault for the next `times` matching requests, or for all until cleared. */
export interface Fault {
  readonly method?: string;
  readonly path?: RegExp;
  /** Further condition, for requests with the same path. */
  readonly when?: (request: FakeRequest) => boolean;
  readonly times?: number;
  /** `cut-off` and `malformed` carry the request out first, and then spoil the answer. */
  readonly answer: FakeAnswer | "hang" | "cut-off" | "malformed";
}

/** A real HTTP server on loopback. Faults can be switched while it runs. */
export interface HttpFake {
  readonly url: string;
  readonly requests: readonly FakeRequest[];
  /** Called with every request before the answer. Set it to change the world between two calls. */
  onRequest: ((request: FakeRequest) => void) | undefined;
  fail(fault: Fault): void;
  clearFaults(): void;
  close(): Promise<void>;
}

/** Called with every request to any fake of this process. */
export const watchers = new Set<(request: FakeRequest) => void>();

/** Starts an {@link HttpFake}. `handle` gives the answers without faults. */
export async function startHttpFake(
  handle: (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>,
): Promise<HttpFake> {
  const requests: FakeRequest[] = [];
  let faults: { readonly fault: Fault; left: number }[] = [];

  const takeFault = (request: FakeRequest): Fault["answer"] | undefined => {
    const hit = faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.method === undefined || fault.method === request.method) &&
        (fault.path === undefined || fault.path.test(request.path)) &&
        (fault.when === undefined || fault.when(request)),
    );
    if (hit) hit.left -= 1;
    return hit?.fault.answer;
  };

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    requests.push(request);
    for (const watch of watchers) watch(request);
    fake.onRequest?.(request);
    const fault = takeFault(request);
    if (fault === "hang") return;
    if (typeof fault === "object") return write(response, fault);
    const answer = await handle(request);
    if (fault === undefined) return write(response, answer);
    const text = textOf(answer);
    const half = text.slice(0, Math.max(1, Math.floor(text.length / 2)));
    if (fault === "malformed") return write(response, { ...answer, text: half });
    response.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(text) + 1 });
    response.write(half, () => response.destroy());
  }

  const server = createServer((incoming, response) => {
    respond(incoming, response).catch((error: unknown) =>
      write(response, { status: 500, json: { fakeFailed: String(error) } }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const fake: HttpFake = {
    url: `http://127.0.0.1:${port}`,
    requests,
    onRequest: undefined,
    fail(fault) {
      faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
    },
    clearFaults() {
      faults = [];
    },
    close() {
      if (!server.listening) return Promise.resolve();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
  return fake;
}

async function readRequest(incoming: IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? "/", "http://fake");
  return {
    method: incoming.method ?? "GET",
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  };
}

function textOf({ text, json }: FakeAnswer): string {
  return text ?? (json === undefined ? "" : JSON.stringify(json));
}

function write(response: ServerResponse, answer: FakeAnswer): void {
  response.writeHead(answer.status, answer.statusText, answer.headers).end(textOf(answer));
}
