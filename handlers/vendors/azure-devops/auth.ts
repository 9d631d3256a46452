import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { VendorDeps } from "../deps.ts";
import { createHttp, pathOf } from "../http.ts";
import type { AzureDevOpsRuntime } from "./config.ts";

type Authorize = (options: { fresh: boolean }) => Promise<Record<string, string>>;

interface Token {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly usableUntil: number;
}

/** Azure DevOps as Entra knows it, the same in every tenant. */
const azureDevOpsResource = "499b84ac-1321-427f-aa17-267ca6975798";
/** A token is renewed this long before it ends. */
const renewalMilliseconds = 300_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const refusal = z.object({ error: z.string(), error_codes: z.array(z.number()).optional() });

/** The headers that carry the credential of a fleet: a personal access token, or a token of its service principal. */
export function createAuthorize(auth: AzureDevOpsRuntime["auth"], deps: VendorDeps): Authorize {
  const readSecret = async (options: { fresh: boolean }) => (await deps.readToken(options)).trim();
  if (auth.type === "service-principal") return servicePrincipal(auth, { ...deps, readSecret });
  return async (options) => ({
    authorization: `Basic ${Buffer.from(`:${await readSecret(options)}`).toString("base64")}`,
  });
}

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow; one token serves until it ends. */
function servicePrincipal(
  auth: Extract<AzureDevOpsRuntime["auth"], { type: "service-principal" }>,
  { readSecret, ...deps }: VendorDeps & { readonly readSecret: (options: { fresh: boolean }) => Promise<string> },
): Authorize {
  const http = createHttp({
    baseUrl: auth.authority,
    clock: deps.clock,
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    timeoutMs: deps.timeoutMs,
    deadline: deps.deadline,
    fetch: deps.fetch,
    // An unknown application or tenant; a wrong secret is a 401.
    unauthorizedStatuses: [400],
    explain,
  });
  let known: Token | undefined;
  let renewal: Promise<Token> | undefined;

  async function request(secret: string): Promise<Token> {
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
      idempotent: true,
    });
    const usableUntil = deps.clock.now().getTime() + body.expires_in * 1000 - renewalMilliseconds;
    return { value: body.access_token, usableUntil };
  }

  /** A secret that is refused may have been replaced: then the newest is tried once. */
  async function requestWithNewestSecret(): Promise<Token> {
    const secret = await readSecret({ fresh: false });
    try {
      return await request(secret);
    } catch (error) {
      if (!(error instanceof VendorApiError) || error.kind !== "unauthorized") throw error;
      const newest = await readSecret({ fresh: true });
      if (newest === secret) throw error;
      return await request(newest);
    }
  }

  /** Several pools ask at once: they wait for one answer. What failed is asked again. */
  async function renew(): Promise<Token> {
    renewal ??= requestWithNewestSecret().finally(() => {
      renewal = undefined;
    });
    known = await renewal;
    return known;
  }

  return async ({ fresh }) => {
    const usable = !fresh && known !== undefined && known.usableUntil > deps.clock.now().getTime();
    const { value } = usable && known ? known : await renew();
    return { authorization: `Bearer ${value}` };
  };
}

/** Entra's codes tell a wrong secret from one that has expired; its sentences name tenants and applications. */
function explain(body: unknown): string | undefined {
  const { data } = refusal.safeParse(body);
  return data && [data.error, ...(data.error_codes ?? []).map((code) => `AADSTS${code}`)].join(" ");
}
