import type { Clock } from "../../handlers/lib/core/ports.ts";
import { systemClock } from "../../handlers/lib/runtime/clock.ts";
import type { AzureDevOpsRuntime } from "../../handlers/lib/settings/vendors/azure-devops.ts";
import { createRoutes } from "./azure-devops/routes.ts";
import { AzureDevOpsState } from "./azure-devops/state.ts";
import { signInPage } from "./azure-devops/views.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "./http-fake.ts";

/** Azure DevOps' distributed-task API for one collection, and Entra, as a loopback server. */
export interface AzureDevOpsFake extends HttpFake {
  readonly state: AzureDevOpsState;
  /** What a client of one pool needs to know, by a personal access token or as the service principal. */
  runtime(pool: AzureDevOpsRuntime["pool"], auth?: AzureDevOpsRuntime["auth"]["type"]): AzureDevOpsRuntime;
}

/**
 * Starts the fake on a free port.
 *
 * @param options.clock times what it creates, its tokens and the pace it asks for.
 * @param options.collection path of the collection, as an Azure DevOps Server has it; Services have the organization.
 */
export async function startAzureDevOpsFake(
  options: { clock?: Clock; collection?: string } = {},
): Promise<AzureDevOpsFake> {
  const { clock = systemClock, collection = "/acme" } = options;
  const state = new AzureDevOpsState(clock);
  const api = createRoutes(state);
  const apiPath = `${collection}/_apis/distributedtask`;
  let notBefore = 0;

  const http = await startHttpFake((request) => {
    if (request.path.endsWith("/oauth2/v2.0/token")) return giveToken(state, request);
    if (clock.now().getTime() < notBefore) state.tooEarly += 1;
    if (!isSignedIn(state, request)) return refusal(state, request);
    if (!request.path.startsWith(apiPath)) return { status: 404 };
    const answer = api(request, request.path.slice(apiPath.length));
    if (state.slowDownSeconds === undefined || answer.status >= 400) return answer;
    notBefore = clock.now().getTime() + state.slowDownSeconds * 1000;
    return { ...answer, headers: { ...answer.headers, ...slowDownHeaders(state.slowDownSeconds) } };
  });

  const principal = { type: "service-principal", authority: http.url, ...withoutSecret(state.principal) } as const;
  return Object.assign(http, {
    state,
    runtime(pool: AzureDevOpsRuntime["pool"], auth: AzureDevOpsRuntime["auth"]["type"] = "pat"): AzureDevOpsRuntime {
      return {
        type: "azure-devops",
        url: `${http.url}${collection}`,
        auth: auth === "pat" ? { type: "pat" } : principal,
        pool,
        capabilities: {},
        placeholder: "keeps-the-queue-open",
      };
    },
  });
}

function withoutSecret({ tenantId, clientId }: AzureDevOpsState["principal"]) {
  return { tenantId, clientId };
}

function isByToken({ headers }: FakeRequest): boolean {
  return headers.authorization?.startsWith("Bearer ") ?? false;
}

function isSignedIn(state: AzureDevOpsState, request: FakeRequest): boolean {
  const { authorization = "" } = request.headers;
  if (!isByToken(request)) return authorization === `Basic ${Buffer.from(`:${state.pat}`).toString("base64")}`;
  return (state.tokens.get(authorization.slice("Bearer ".length)) ?? 0) > state.clock.now().getTime();
}

/** Who does not ask for anything else is sent to a page where people sign in. */
function refusal(state: AzureDevOpsState, request: FakeRequest): FakeAnswer {
  if (request.headers["x-tfs-fedauthredirect"] !== "Suppress") return signInPage(302);
  return signInPage(isByToken(request) ? 401 : state.refusal);
}

function giveToken(state: AzureDevOpsState, { method, path, body }: FakeRequest): FakeAnswer {
  const { tenantId, clientId, secret } = state.principal;
  const form = new URLSearchParams(body.toString("utf8"));
  const refused = (status: number, error: string, code: number) => ({
    status,
    json: { error, error_description: `AADSTS${code}: canary-sentence`, error_codes: [code] },
  });
  if (path !== `/${tenantId}/oauth2/v2.0/token`) return refused(400, "invalid_request", 90002);
  if (method !== "POST" || form.get("grant_type") !== "client_credentials")
    return refused(400, "unsupported_grant_type", 70003);
  if (form.get("scope") !== "499b84ac-1321-427f-aa17-267ca6975798/.default")
    return refused(400, "invalid_scope", 70011);
  if (form.get("client_id") !== clientId) return refused(400, "unauthorized_client", 700016);
  if (form.get("client_secret") !== secret) return refused(401, "invalid_client", 7000215);
  state.tokensGiven += 1;
  const token = `test-token-${state.tokensGiven}`;
  state.tokens.set(token, state.clock.now().getTime() + state.tokenSeconds * 1000);
  return { status: 200, json: { token_type: "Bearer", expires_in: state.tokenSeconds, access_token: token } };
}

function slowDownHeaders(seconds: number): Record<string, string> {
  return {
    "retry-after": String(seconds),
    "x-ratelimit-resource": "Global/TSTUs",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-delay": "0.5",
  };
}
