import { VendorApiError, type VendorApiErrorKind } from "../../handlers/core/errors.ts";
import { ConfigError } from "../../stacks/config/errors.ts";

/** Something the person at the terminal can put right: what failed, and what to do. */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** What is shown of an error: never a stack trace. */
export interface Explanation {
  readonly error: string;
  readonly hint: string;
}

const vendorHints: Record<VendorApiErrorKind, string> = {
  unauthorized: "Set TOKEN to an API token of this host that may do this: an organization, team or user token.",
  "not-found": "Check the names and the organization. What a token may not see looks as if it did not exist.",
  conflict: "Something else changed it meanwhile: look at its present state, then try again.",
  invalid: "Correct what the API complains about, then try again.",
  "rate-limited": "Wait a minute, then try again.",
  unavailable: "Check the address (--host or TFE_ADDRESS) and the network, then try again.",
  timeout: "Check the address (--host or TFE_ADDRESS) and the network, then try again.",
  malformed: "Check that the address (--host or TFE_ADDRESS) is that of HCP Terraform or Terraform Enterprise.",
};

const awsHints: Readonly<Record<string, string>> = {
  CredentialsProviderError: "Log in to AWS first: set AWS_PROFILE, or the usual AWS_ variables.",
  ExpiredTokenException: "The AWS session has expired: log in again.",
  UnrecognizedClientException: "AWS does not accept these credentials: log in again.",
  AccessDeniedException: "The AWS identity in use may not do this: use another, or have the right granted.",
};

/** Says in one sentence what failed and in another what to do. */
export function explain(error: unknown): Explanation {
  if (error instanceof UserError) return { error: error.message, hint: error.hint };
  if (error instanceof VendorApiError) return { error: error.message, hint: vendorHints[error.kind] };
  if (error instanceof ConfigError) {
    return { error: `The config is not valid:\n${error.message}`, hint: "Correct it, then try again." };
  }
  if (!(error instanceof Error)) return { error: String(error), hint: unexpected };
  const name = error.name === "Error" ? "" : `${error.name}: `;
  return { error: name + error.message, hint: awsHints[error.name] ?? hintOf(error) };
}

const unexpected = "This was not foreseen: please report it with the command you ran.";

function hintOf(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH)/.test(code) || error.name === "TimeoutError") {
    return "Check the network, the region and AWS_ENDPOINT_URL, then try again.";
  }
  return "$metadata" in error ? "AWS refused it: correct what it complains about, then try again." : unexpected;
}
