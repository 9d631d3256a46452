import { SecretUnavailableError } from "../core/errors.ts";
import type { Clock, InstanceCommands, RunLedger, SecretReader } from "../core/ports.ts";
import type { HttpOptions } from "./http.ts";

/** What the loop and the retirement workflow give every vendor's runtime half. */
export interface VendorDeps {
  readonly clock: Clock;
  /**
   * The vendor's one API secret: a token, an API key's secret, a client secret. `fresh` skips caches, asked for once after
   * a 401 so that a rotated one needs no restart.
   */
  readonly readToken: (options?: { fresh?: boolean }) => Promise<string>;
  readonly timeoutMilliseconds?: number | undefined;
  readonly deadline?: HttpOptions["deadline"];
  readonly fetch?: HttpOptions["fetch"];
  /** Only in fleets that are told of their demand by notifications alone. */
  readonly ledger?: RunLedger | undefined;
  /** Only in fleets on instances. */
  readonly instances?: InstanceCommands | undefined;
}

/** Reads the fleet's API token. Rejects with {@link SecretUnavailableError} where it has none. @param arn of the token */
export function createTokenReader(arn: string | undefined, secrets: SecretReader): VendorDeps["readToken"] {
  return async (options) => {
    if (arn === undefined) throw new SecretUnavailableError("this fleet was deployed without an API token");
    return secrets.read(arn, options);
  };
}
