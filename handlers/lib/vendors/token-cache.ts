import { VendorApiError } from "../core/errors.ts";
import type { VendorDeps } from "./deps.ts";
import type { Authorize } from "./http.ts";

/** A token that a secret was exchanged for. */
export interface Token {
  readonly value: string;
  /** When to renew it: milliseconds since 1970, some time before it expires. */
  readonly usableUntil: number;
}

/**
 * The header with a bearer token. At the first use, the API secret is exchanged for the token. One token serves until
 * it must be renewed. Simultaneous callers wait for one exchange, and a failed exchange is tried again. A refused
 * secret from a cache may have been rotated: then the newest one is tried once.
 *
 * @param exchange throws a {@link VendorApiError} of kind `unauthorized` if the vendor refuses the secret
 */
export function createTokenCache(
  { clock, readToken }: Pick<VendorDeps, "clock" | "readToken">,
  exchange: (secret: string) => Promise<Token>,
): Authorize {
  let known: Token | undefined;
  let renewal: Promise<Token> | undefined;

  async function obtain(fresh: boolean): Promise<Token> {
    const secret = await readToken({ fresh });
    try {
      return await exchange(secret);
    } catch (error) {
      if (fresh || !(error instanceof VendorApiError) || error.kind !== "unauthorized") throw error;
      const newest = await readToken({ fresh: true });
      if (newest === secret) throw error;
      return await exchange(newest);
    }
  }

  async function renew(fresh: boolean): Promise<Token> {
    renewal ??= obtain(fresh).finally(() => {
      renewal = undefined;
    });
    known = await renewal;
    return known;
  }

  return async ({ fresh }) => {
    const usable = !fresh && known !== undefined && known.usableUntil > clock.now().getTime();
    const { value } = usable && known ? known : await renew(fresh);
    return { authorization: `Bearer ${value}` };
  };
}
