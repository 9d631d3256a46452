import * as z from "zod";
import type { Blanker } from "../../core/blanker.ts";
import { VendorApiError } from "../../core/errors.ts";
import type { VendorDeps } from "../deps.ts";
import { type Authorize, createHttp } from "../http.ts";
import { createTokenCache } from "../token-cache.ts";

/** A session is renewed this long before it expires. */
const renewalMilliseconds = 30_000;
const label = "session of the Spacelift API key";
const mutation = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt validUntil } }";

/** An unknown or wrong key has no user. Errors are not passed on, because they may quote the secret. */
const answer = z.object({
  data: z.object({ apiKeyUser: z.object({ jwt: z.string().min(1), validUntil: z.number() }).nullish() }).nullish(),
  errors: z.array(z.object({ message: z.string() })).nullish(),
});

/** Where an API key signs in. */
export interface Account {
  /** Base URL without a trailing slash. */
  readonly endpoint: string;
  readonly apiKeyId: string;
}

/** Whether an error's text reports a missing credential or right: Spacelift's errors have no codes. */
export function isUnauthorized(message: string): boolean {
  return /\bunauthori[sz]ed\b/i.test(message);
}

/**
 * The header with a Spacelift session. The API key opens the session at its first use. Throws {@link VendorApiError}.
 * Keep it between passes.
 */
export function createSession(config: Account, deps: VendorDeps & { readonly blanker: Blanker }): Authorize {
  const { clock, timeoutMilliseconds, deadline, fetch, blanker } = deps;
  const http = createHttp({ baseUrl: config.endpoint, clock, timeoutMilliseconds, deadline, fetch, blanker });

  return createTokenCache(deps, async (secret) => {
    const body = { query: mutation, variables: { id: config.apiKeyId, secret } };
    const request = {
      method: "POST",
      path: "/graphql",
      body,
      label,
      secrets: [secret],
      credentialField: "jwt",
      idempotent: true,
    } as const;
    const { data, errors } = (await http.json(answer, request)).body;
    const user = data?.apiKeyUser;
    if (user) return { value: user.jwt, usableUntil: user.validUntil * 1000 - renewalMilliseconds };
    const refused = errors?.length ? errors.some(({ message }) => isUnauthorized(message)) : data?.apiKeyUser === null;
    if (refused) {
      const key = `API key ${config.apiKeyId} at ${config.endpoint}`;
      throw new VendorApiError("unauthorized", `${label}: ${key} does not exist, or its secret is wrong`);
    }
    if (errors?.length) throw new VendorApiError("invalid", `${label}: answered with an error`);
    throw new VendorApiError("malformed", `${label}: unexpected answer without apiKeyUser`);
  });
}
