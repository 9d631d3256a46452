import { createBlanker } from "../../core/blanker.ts";
import type { Clock } from "../../core/ports.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { createHttp, type Http, type HttpOptions } from "../http.ts";
import { createAuthorize } from "./auth.ts";

/** An organization or collection, and how to sign in to it. */
export type Organization = Pick<AzureDevOpsRuntime, "url" | "auth">;

/** A connection's dependencies; `explain` only for people at a terminal. */
type ConnectionDeps = VendorDeps & Pick<HttpOptions, "explain">;

const connections = new WeakMap<ConnectionDeps, Map<string, Http>>();

/**
 * The REST API of an organization; paths begin below `_apis`. Connections with the same `deps` share the tokens and the
 * pace that Azure DevOps asks of one identity. All pools of a fleet do so.
 */
export function connect({ url, auth }: Organization, deps: ConnectionDeps): Http {
  const shared = connections.get(deps) ?? new Map<string, Http>();
  connections.set(deps, shared);
  const key = JSON.stringify([url, auth]);
  const connection = shared.get(key) ?? createConnection({ url, auth }, deps);
  shared.set(key, connection);
  return connection;
}

function createConnection({ url, auth }: Organization, deps: ConnectionDeps): Http {
  const pace = createPace(deps.clock);
  const blanker = createBlanker();
  const http = createHttp({
    baseUrl: `${url}/_apis`,
    clock: deps.clock,
    blanker,
    authorize: createAuthorize(auth, { ...deps, blanker }),
    // Without it, Azure DevOps answers a refused credential with a redirect to a page for people.
    headers: { accept: "application/json", "x-tfs-fedauthredirect": "Suppress" },
    timeoutMilliseconds: deps.timeoutMilliseconds,
    deadline: deps.deadline,
    fetch: deps.fetch,
    // A sign-in page instead of the answer, or a redirect to one.
    unauthorizedStatuses: [203, 302],
    explain: deps.explain,
  });
  return {
    async send(request) {
      const answer = await http.send({ ...request, limiter: pace });
      pace.heed(answer.headers);
      return answer;
    },
    async json(schema, request) {
      const answer = await http.json(schema, { ...request, limiter: pace });
      pace.heed(answer.headers);
      return answer;
    },
  };
}

/**
 * Azure DevOps asks for a pause even after good answers, before it refuses requests:
 * https://learn.microsoft.com/azure/devops/integrate/concepts/rate-limits.
 */
function createPace(clock: Clock) {
  let notBefore = 0;
  return {
    take: () => Math.max(0, notBefore - clock.now().getTime()),
    heed(headers: Headers): void {
      const seconds = Number(headers.get("retry-after"));
      if (seconds > 0) notBefore = Math.max(notBefore, clock.now().getTime() + seconds * 1000);
    },
  };
}
