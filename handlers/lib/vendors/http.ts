import type * as z from "zod";
import { type Blanker, createBlanker } from "../core/blanker.ts";
import { SecretUnavailableError, VendorApiError, type VendorApiErrorKind } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { isRepeatable, kindOf, waitAskedFor } from "./http-status.ts";
import { shownToProxy } from "./outbound.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/** The headers with the credential, never logged; `fresh` asks for a newly read one after a 401. */
export type Authorize = (options: { fresh: boolean }) => Promise<Record<string, string>>;

/** Options for one vendor's API. Only `baseUrl` and `clock` are required. */
export interface HttpOptions {
  /** Without a trailing slash, such as `https://app.terraform.io/api/v2`. */
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly authorize?: Authorize;
  /** Headers of every request. */
  readonly headers?: Record<string, string>;
  /**
   * Reads the vendor's explanation from an error body, for people at a terminal. Left out: error bodies are ignored.
   */
  readonly explain?: ((body: unknown) => string | undefined) | undefined;
  /** Other statuses than 401 and 403 with which this vendor refuses a credential. */
  readonly unauthorizedStatuses?: readonly number[];
  /** Time for one attempt, from connecting to the last byte of the body. Default 10 s. */
  readonly timeoutMilliseconds?: number | undefined;
  /** Most attempts, the first one included. Default 4. */
  readonly attempts?: number;
  /** Longest single wait, even if the vendor asks for more. Default 60 s. */
  readonly maxWaitMilliseconds?: number;
  /** Largest body. Default 10 MiB. */
  readonly maxResponseBytes?: number;
  /** No attempt or wait continues after it. */
  readonly deadline?: (() => Date | undefined) | undefined;
  readonly fetch?: typeof fetch | undefined;
  readonly random?: () => number;
  /** Hides what was sent in whatever is answered. Clients of one vendor share it. Default: one of its own. */
  readonly blanker?: Blanker;
}

/** One call. `path` starts with a slash and is already encoded, see {@link pathOf}. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Record<string, string | number>;
  /** Sent as JSON; bytes are sent unchanged. */
  readonly body?: unknown;
  /** Every attempt takes a slot. */
  readonly limiter?: Pick<RateLimiter, "take">;
  /**
   * Whether a repeat is harmless. Default: GET, PUT and DELETE. Others are repeated only after a rate-limit refusal.
   */
  readonly idempotent?: boolean;
  /** Replaces method and path in messages, for paths that are secret. */
  readonly label?: string;
  /** Credentials in the body, path or query. The headers of `authorize` count as credentials anyway. */
  readonly secrets?: readonly string[];
  /**
   * The field of a 2xx answer that holds a new credential, such as `token`. It may begin like an older one, so it is left
   * as it is: do not show it.
   */
  readonly credentialField?: string;
}

/** A 2xx answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Without the credentials that were sent. */
  readonly text: string;
}

/**
 * JSON over HTTP with timeouts, size limit and jittered retries. Every failure is a {@link VendorApiError}, except
 * errors of `authorize` and secrets that `fetch` cannot read. Never follows redirects, because they would send the credential
 * elsewhere.
 *
 * No credential that was sent, to the server or its proxy, comes back: neither in a message nor in the text or JSON of an
 * answer, see {@link Blanker}. The one exception is a new credential in an answer.
 */
export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Sends a request and validates the answer. An invalid body is an error of kind `malformed`. */
  json<T extends z.ZodType>(schema: T, request: HttpRequest): Promise<{ body: z.output<T>; headers: Headers }>;
}

const firstBackoffMilliseconds = 500;
const longestBackoffMilliseconds = 15_000;

/** Joins path segments, each percent-encoded. */
export function pathOf(...segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
}

/** See {@link Http}. */
export function createHttp(options: HttpOptions): Http {
  const { clock, attempts = 4, maxWaitMilliseconds = 60_000, random = Math.random } = options;
  const blanker = options.blanker ?? createBlanker();

  /** An id in the path may come from an answer that held what was sent. */
  const labelFor = (request: HttpRequest) => blanker.blank(labelOf(options, request));

  async function answerTo(request: HttpRequest): Promise<HttpResponse> {
    blanker.remember(...(request.secrets ?? []));
    const label = labelFor(request);
    const idempotent = request.idempotent ?? ["GET", "PUT", "DELETE"].includes(request.method);
    let credential = await authorize(false);
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      await waitForSlot(request.limiter, label);
      try {
        return await call({ ...options, blanker }, request, label, credential);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if ((error.status === 401 || options.unauthorizedStatuses?.includes(error.status ?? 0)) && !renewed) {
          renewed = true;
          const rotated = await authorize(true);
          if (JSON.stringify(rotated) === JSON.stringify(credential)) throw error;
          credential = rotated;
          continue;
        }
        if (attempt >= attempts || !isRepeatable(error.kind, idempotent)) throw error;
        await pause(backoffMilliseconds(attempt, error.retryAfterMilliseconds), error);
      }
    }
  }

  async function authorize(fresh: boolean): Promise<Record<string, string>> {
    const headers = (await options.authorize?.({ fresh })) ?? {};
    blanker.remember(...Object.values(headers));
    return headers;
  }

  async function waitForSlot(limiter: HttpRequest["limiter"], label: string): Promise<void> {
    for (let wait = limiter?.take() ?? 0; wait > 0; wait = limiter?.take() ?? 0) {
      await pause(wait, new Failure("rate-limited", `${label}: the rate limit allows no request in time`));
    }
  }

  /** Sleeps, or throws `otherwise` if that would take too long. */
  async function pause(milliseconds: number, otherwise: Failure): Promise<void> {
    const end = options.deadline?.()?.getTime() ?? Number.POSITIVE_INFINITY;
    if (milliseconds > maxWaitMilliseconds || clock.now().getTime() + milliseconds >= end) throw otherwise;
    await clock.sleep(milliseconds);
  }

  function backoffMilliseconds(attempt: number, askedMilliseconds: number | undefined): number {
    if (askedMilliseconds !== undefined) return Math.ceil(askedMilliseconds + random() * firstBackoffMilliseconds);
    const full = Math.min(longestBackoffMilliseconds, firstBackoffMilliseconds * 2 ** (attempt - 1));
    return Math.round(full * (0.5 + random() / 2));
  }

  return {
    async send(request) {
      const answer = await answerTo(request);
      return { ...answer, text: blanker.blank(answer.text) };
    },
    async json(schema, request) {
      const { text, headers } = await answerTo(request);
      const json = blanker.blankAll(jsonIn(text), request.credentialField);
      return { body: parse(schema, json, labelFor(request)), headers };
    },
  };
}

/** An error with data for the retry. */
class Failure extends VendorApiError {
  readonly retryAfterMilliseconds: number | undefined;
  constructor(
    kind: VendorApiErrorKind,
    message: string,
    details: { status?: number; retryAfterMilliseconds?: number } = {},
  ) {
    super(kind, message, details.status === undefined ? {} : { status: details.status });
    this.retryAfterMilliseconds = details.retryAfterMilliseconds;
  }
}

type BlankingOptions = HttpOptions & { readonly blanker: Blanker };

async function call(
  options: BlankingOptions,
  request: HttpRequest,
  label: string,
  credential: Record<string, string>,
): Promise<HttpResponse> {
  const timeoutMilliseconds = timeLeftMilliseconds(options, label);
  const { fetch: fetchOnce = fetch, maxResponseBytes = 10 * 1024 * 1024 } = options;
  const body = bodyOf(request);
  const headers = headersOf({ ...body?.headers, ...options.headers, ...credential }, label);
  try {
    const response = await fetchOnce(urlOf(options, request), {
      method: request.method,
      headers,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMilliseconds),
      ...(body && { body: body.content }),
    });
    options.blanker.remember(...shownToProxy(fetchOnce));
    const text = await readCapped(response, maxResponseBytes, label);
    if (!response.ok || options.unauthorizedStatuses?.includes(response.status))
      throw failureOf(response, text, label, options);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof Failure || error instanceof SecretUnavailableError) throw error;
    if (error instanceof Error && error.name === "TimeoutError") {
      throw new Failure("timeout", `${label}: no complete answer within ${timeoutMilliseconds} ms`);
    }
    throw new Failure("unavailable", `${label}: ${connectionTrouble(error)}`);
  }
}

function timeLeftMilliseconds({ deadline, clock, timeoutMilliseconds = 10_000 }: HttpOptions, label: string): number {
  const end = deadline?.();
  if (end === undefined) return timeoutMilliseconds;
  const left = end.getTime() - clock.now().getTime();
  if (left <= 0) throw new VendorApiError("timeout", `${label}: no time left to ask`);
  return Math.min(timeoutMilliseconds, left);
}

/** fetch's own error would quote an invalid header value, with the secret. */
function headersOf(values: Record<string, string>, label: string): Headers {
  try {
    return new Headers(values);
  } catch {
    throw new VendorApiError(
      "unauthorized",
      `${label}: the credential contains characters that are not allowed in a header`,
    );
  }
}

function bodyOf({
  body,
}: HttpRequest): { content: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> } | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array)
    return { content: new Uint8Array(body), headers: { "content-type": "application/octet-stream" } };
  return { content: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

function urlOf({ baseUrl }: HttpOptions, { path, query }: HttpRequest): URL {
  const url = new URL(baseUrl + path);
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, String(value));
  return url;
}

function labelOf({ baseUrl }: HttpOptions, { label, method, path }: HttpRequest): string {
  return label ?? `${method} ${new URL(baseUrl + path).pathname}`;
}

async function readCapped(response: Response, limit: number, label: string): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > limit) throw new Failure("malformed", `${label}: answered more than ${limit} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parse<T extends z.ZodType>(schema: T, json: unknown, label: string): z.output<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? ` at ${issue.path.join(".")}` : "";
  throw new VendorApiError("malformed", `${label}: unexpected answer${where}: ${issue?.message}`);
}

/** `undefined` if it is not JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureOf(response: Response, text: string, label: string, options: BlankingOptions): Failure {
  const { explain, clock, blanker, unauthorizedStatuses = [] } = options;
  const { status } = response;
  const explanation = explain?.(blanker.blankAll(jsonIn(text)));
  const redirected = status >= 300 && status < 400 ? ", a redirect, which is not followed: check the address" : "";
  const message = `${label}: answered ${status}${redirected}${explanation ? `: ${explanation}` : ""}`;
  const retryAfterMilliseconds = waitAskedFor(response, clock.now());
  return new Failure(unauthorizedStatuses.includes(status) ? "unauthorized" : kindOf(status), message, {
    status,
    ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }),
  });
}

function connectionTrouble(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  return `the connection failed${code ? ` (${code})` : ""}`;
}
