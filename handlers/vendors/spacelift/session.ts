import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { VendorDeps } from "../deps.ts";
import { createHttp } from "../http.ts";
import type { SpaceliftRuntime } from "./config.ts";

/** A session at Spacelift, opened by an API key when it is first needed. */
export interface SpaceliftSession {
  /** The header that carries it. `fresh` opens another one. Throws {@link VendorApiError}. */
  authorize(options: { readonly fresh: boolean }): Promise<Record<string, string>>;
}

interface Token {
  readonly jwt: string;
  readonly renewAt: number;
}

/** A session is renewed this long before it ends. */
const renewalMilliseconds = 30_000;
const label = "session of the Spacelift API key";
const mutation = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt validUntil } }";

/** A key that is unknown or wrong has no user. Errors are not passed on: they may quote the secret. */
const answer = z.object({
  data: z.object({ apiKeyUser: z.object({ jwt: z.string().min(1), validUntil: z.number() }).nullish() }).nullish(),
  errors: z.array(z.object({ message: z.string() })).nullish(),
});

/** Whether an error says that a credential or a right is missing: Spacelift's errors have no codes. */
export function isUnauthorized(message: string): boolean {
  return /\bunauthori[sz]ed\b/i.test(message);
}

/** See {@link SpaceliftSession}. Keep it between passes. Callers at the same moment wait for one answer. */
export function createSession(config: SpaceliftRuntime, deps: VendorDeps): SpaceliftSession {
  const { clock, readToken, timeoutMs, deadline, fetch } = deps;
  const http = createHttp({ baseUrl: config.endpoint, clock, timeoutMs, deadline, fetch });
  let current: Token | undefined;
  let opening: Promise<Token> | undefined;

  /** `undefined`: refused. */
  async function exchange(secret: string): Promise<Token | undefined> {
    const body = { query: mutation, variables: { id: config.apiKeyId, secret } };
    const request = { method: "POST", path: "/graphql", body, label, idempotent: true } as const;
    const { data, errors } = (await http.json(answer, request)).body;
    const user = data?.apiKeyUser;
    if (user) return { jwt: user.jwt, renewAt: user.validUntil * 1000 - renewalMilliseconds };
    if (errors?.length) {
      if (errors.some(({ message }) => isUnauthorized(message))) return undefined;
      throw new VendorApiError("invalid", `${label}: answered with an error`);
    }
    if (data?.apiKeyUser === null) return undefined;
    throw new VendorApiError("malformed", `${label}: unexpected answer without apiKeyUser`);
  }

  /** A secret from a cache that is refused may have been rotated. */
  async function open(fresh: boolean): Promise<Token> {
    const secret = (await readToken({ fresh })).trim();
    const token = await exchange(secret);
    if (token) return token;
    const newest = fresh ? secret : (await readToken({ fresh: true })).trim();
    const second = newest === secret ? undefined : await exchange(newest);
    if (second) return second;
    const key = `API key ${config.apiKeyId} at ${config.endpoint}`;
    throw new VendorApiError("unauthorized", `${label}: ${key} does not exist, or its secret is another`);
  }

  function renew(fresh: boolean): Promise<Token> {
    opening ??= open(fresh)
      .then((token) => {
        current = token;
        return token;
      })
      .finally(() => {
        opening = undefined;
      });
    return opening;
  }

  return {
    async authorize({ fresh }) {
      const usable = !fresh && current !== undefined && current.renewAt > clock.now().getTime();
      const { jwt } = usable && current ? current : await renew(fresh);
      return { authorization: `Bearer ${jwt}` };
    },
  };
}
