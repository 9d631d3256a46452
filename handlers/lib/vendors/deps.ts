import { SecretUnavailableError } from "../core/errors.ts";
import type { Clock, InstanceCommands, RunLedger, SecretReader } from "../core/ports.ts";
import type { HttpOptions } from "./http.ts";

/** Dependencies of every vendor's runtime half, for the loop and the retirement workflow. */
export interface VendorDeps {
  readonly clock: Clock;
  /**
   * The vendor's API secret: a token, an API key's secret or a client secret. `fresh` skips caches. The client uses it
   * once after a 401, so that a rotated secret needs no restart.
   */
  readonly readToken: (options?: { fresh?: boolean }) => Promise<string>;
  readonly timeoutMilliseconds?: number | undefined;
  readonly deadline?: HttpOptions["deadline"];
  readonly fetch?: HttpOptions["fetch"];
  /** Only in fleets whose demand comes from notifications only. */
  readonly ledger?: RunLedger | undefined;
  /** Only in fleets on instances. */
  readonly instances?: InstanceCommands | undefined;
}

/** Reads the fleet's API token. Rejects with {@link SecretUnavailableError} if it has none. @param arn of the token */
export function createTokenReader(arn: string | undefined, secrets: SecretReader): VendorDeps["readToken"] {
  return async (options) => {
    if (arn === undefined) throw new SecretUnavailableError("this fleet was deployed without an API token");
    return secrets.read(arn, options);
  };
}
