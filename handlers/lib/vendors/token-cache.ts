import { VendorApiError } from "../core/errors.ts";
import type { VendorDeps } from "./deps.ts";
import type { Authorize } from "./http.ts";

/** What a secret is exchanged for. */
export interface Token {
  readonly value: string;
  /** Milliseconds since 1970: some time before it ends. */
  readonly usableUntil: number;
}

/**
 * The header with a bearer token that the API secret is exchanged for when it is first needed. One token serves until it is
 * no longer usable; callers at the same moment wait for one answer, and what failed is asked again. A secret from a cache
 * that is refused may have been rotated: then the newest is tried once.
 *
 * @param exchange throws a {@link VendorApiError} of kind `unauthorized` where the secret is refused
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
