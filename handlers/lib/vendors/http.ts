import type * as z from "zod";
import { VendorApiError, type VendorApiErrorKind } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
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
}

/** A 2xx answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * JSON over HTTP with timeouts, size limit and jittered retries. Every failure is a {@link VendorApiError}, except
 * errors of `authorize`. Never follows redirects, because they would send the credential elsewhere.
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

  async function send(request: HttpRequest): Promise<HttpResponse> {
    const label = labelOf(options, request);
    const idempotent = request.idempotent ?? ["GET", "PUT", "DELETE"].includes(request.method);
    let credential = await authorize(false);
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      await waitForSlot(request.limiter, label);
      try {
        return await call(options, request, label, credential);
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
    return (await options.authorize?.({ fresh })) ?? {};
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
    send,
    async json(schema, request) {
      const { text, headers } = await send(request);
      return { body: parse(schema, text, labelOf(options, request)), headers };
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

async function call(
  options: HttpOptions,
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
    const text = await readCapped(response, maxResponseBytes, label);
    if (!response.ok || options.unauthorizedStatuses?.includes(response.status))
      throw failureOf(response, text, label, options);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof Failure) throw error;
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

function parse<T extends z.ZodType>(schema: T, text: string, label: string): z.output<T> {
  const result = schema.safeParse(jsonOrUndefined(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? ` at ${issue.path.join(".")}` : "";
  throw new VendorApiError("malformed", `${label}: unexpected answer${where}: ${issue?.message}`);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failureOf(response: Response, text: string, label: string, options: HttpOptions): Failure {
  const { explain, clock, unauthorizedStatuses = [] } = options;
  const { status } = response;
  const explanation = explain?.(jsonOrUndefined(text));
  const redirected = status >= 300 && status < 400 ? ", a redirect, which is not followed: check the address" : "";
  const message = `${label}: answered ${status}${redirected}${explanation ? `: ${explanation}` : ""}`;
  const retryAfterMilliseconds = waitAskedFor(response, clock.now());
  return new Failure(unauthorizedStatuses.includes(status) ? "unauthorized" : kindOf(status), message, {
    status,
    ...(retryAfterMilliseconds !== undefined && { retryAfterMilliseconds }),
  });
}

function kindOf(status: number): VendorApiErrorKind {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 404 || status === 410) return "not-found";
  if (status === 409 || status === 412) return "conflict";
  if (status === 408) return "timeout";
  if (status === 429) return "rate-limited";
  return status >= 500 ? "unavailable" : "invalid";
}

function isRepeatable(kind: VendorApiErrorKind, idempotent: boolean): boolean {
  return kind === "rate-limited" || (idempotent && (kind === "unavailable" || kind === "timeout"));
}

/**
 * `Retry-After` in seconds or as a date, else `X-RateLimit-Reset` in seconds from now or since 1970. The latter is in
 * every answer, and asks for a wait only where the rate was too high.
 */
function waitAskedFor({ status, headers }: Response, now: Date): number | undefined {
  const asked = headers.get("retry-after") ?? (status === 429 ? headers.get("x-ratelimit-reset") : null);
  if (asked === null) return undefined;
  const seconds = Number(asked);
  const since1970 = 1_000_000_000;
  const at = Number.isNaN(seconds) ? Date.parse(asked) : seconds >= since1970 ? seconds * 1000 : undefined;
  const milliseconds = at === undefined ? seconds * 1000 : at - now.getTime();
  return Number.isNaN(milliseconds) ? undefined : Math.max(milliseconds, 0);
}

function connectionTrouble(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  return `the connection failed${code ? ` (${code})` : ""}`;
}
