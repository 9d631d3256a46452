/** What went wrong at a vendor's API, in the terms that decide what to do about it. */
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

/** A vendor's API did not give a usable answer. Messages never carry credentials or response bodies verbatim. */
export class VendorApiError extends Error {
  override readonly name = "VendorApiError";

  constructor(
    readonly kind: VendorApiErrorKind,
    message: string,
    options?: ErrorOptions & {
      /** HTTP status, where there was an answer. */
      status?: number;
    },
  ) {
    super(message, options);
    this.status = options?.status;
  }

  readonly status: number | undefined;
}

/** A secret has no value yet or cannot be read; the message names the secret and what to do. */
export class SecretUnavailableError extends Error {
  override readonly name = "SecretUnavailableError";
}
