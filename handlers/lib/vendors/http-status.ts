import type { VendorApiErrorKind } from "../core/errors.ts";

/** The kind of failure that a status outside of 2xx means. */
export function kindOf(status: number): VendorApiErrorKind {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 404 || status === 410) return "not-found";
  if (status === 409 || status === 412) return "conflict";
  if (status === 408) return "timeout";
  if (status === 429) return "rate-limited";
  return status >= 500 ? "unavailable" : "invalid";
}

/** Whether a request that failed like this may be sent again. */
export function isRepeatable(kind: VendorApiErrorKind, idempotent: boolean): boolean {
  return kind === "rate-limited" || (idempotent && (kind === "unavailable" || kind === "timeout"));
}

/**
 * `Retry-After` in seconds or as a date, else `X-RateLimit-Reset` in seconds from now or since 1970. The latter is in
 * every answer, and asks for a wait only where the rate was too high. In milliseconds.
 */
export function waitAskedFor({ status, headers }: Response, now: Date): number | undefined {
  const asked = headers.get("retry-after") ?? (status === 429 ? headers.get("x-ratelimit-reset") : null);
  if (asked === null) return undefined;
  const seconds = Number(asked);
  const since1970 = 1_000_000_000;
  const at = Number.isNaN(seconds) ? Date.parse(asked) : seconds >= since1970 ? seconds * 1000 : undefined;
  const milliseconds = at === undefined ? seconds * 1000 : at - now.getTime();
  return Number.isNaN(milliseconds) ? undefined : Math.max(milliseconds, 0);
}
