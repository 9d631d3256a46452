import { visibleLine } from "./visible.ts";

/** The kind of failure of a vendor's API. It decides about the reaction. */
export type VendorApiErrorKind =
  | "unauthorized"
  | "not-found"
  | "conflict"
  | "invalid"
  | "rate-limited"
  | "unavailable"
  | "timeout"
  | "malformed"
  /** The answer shows that the fleet's config is wrong. */
  | "misconfigured";

/**
 * A vendor's API gave no usable answer. Messages never contain credentials or whole response bodies, and are one line
 * that no terminal obeys.
 */
export class VendorApiError extends Error {
  override readonly name = "VendorApiError";

  constructor(
    readonly kind: VendorApiErrorKind,
    message: string,
    options?: ErrorOptions & {
      /** HTTP status, if there was an answer. */
      status?: number;
    },
  ) {
    super(visibleLine(message), options);
    this.status = options?.status;
  }

  readonly status: number | undefined;
}

/** A secret has no value yet or cannot be read. The message names the secret and the remedy. */
export class SecretUnavailableError extends Error {
  override readonly name = "SecretUnavailableError";
}

/** Nobody has set a value of the secret yet. */
export class SecretWithoutValueError extends SecretUnavailableError {}
