import * as z from "zod";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { type Authorize, createHttp, type HttpOptions, pathOf } from "../http.ts";
import { createTokenCache } from "../token-cache.ts";

/** The Entra id of Azure DevOps, the same in every tenant. */
const azureDevOpsResource = "499b84ac-1321-427f-aa17-267ca6975798";
/** A token is renewed this long before it expires. */
const renewalMilliseconds = 300_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const refusal = z.object({ error: z.string(), error_codes: z.array(z.number()).optional() });

/** The headers with the credential of a fleet: a personal access token, or a token of its service principal. */
export function createAuthorize(
  auth: AzureDevOpsRuntime["auth"],
  deps: VendorDeps & Required<Pick<HttpOptions, "blanker">>,
): Authorize {
  if (auth.type === "service-principal") return servicePrincipal(auth, deps);
  return async (options) => ({
    authorization: `Basic ${Buffer.from(`:${await deps.readToken(options)}`).toString("base64")}`,
  });
}

/**
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow; one token serves until it
 * ends.
 */
function servicePrincipal(
  auth: Extract<AzureDevOpsRuntime["auth"], { type: "service-principal" }>,
  deps: VendorDeps & Required<Pick<HttpOptions, "blanker">>,
): Authorize {
  const http = createHttp({
    baseUrl: auth.authority,
    clock: deps.clock,
    blanker: deps.blanker,
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    timeoutMilliseconds: deps.timeoutMilliseconds,
    deadline: deps.deadline,
    fetch: deps.fetch,
    // An unknown application or tenant. A wrong secret gets a 401.
    unauthorizedStatuses: [400],
    explain,
  });
  return createTokenCache(deps, async (secret) => {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: auth.clientId,
      client_secret: secret,
      scope: `${azureDevOpsResource}/.default`,
    });
    const { body } = await http.json(tokenAnswer, {
      method: "POST",
      path: pathOf(auth.tenantId, "oauth2", "v2.0", "token"),
      body: new TextEncoder().encode(form.toString()),
      secrets: [secret],
      credentialField: "access_token",
      idempotent: true,
    });
    const usableUntil = deps.clock.now().getTime() + body.expires_in * 1000 - renewalMilliseconds;
    return { value: body.access_token, usableUntil };
  });
}

/** Entra's codes distinguish a wrong secret from an expired one. Its sentences contain tenants and applications. */
function explain(body: unknown): string | undefined {
  const { data } = refusal.safeParse(body);
  return data && [data.error, ...(data.error_codes ?? []).map((code) => `AADSTS${code}`)].join(" ");
}
