import type { FakeAnswer, FakeRequest } from "../http-fake.ts";
import type { AzureDevOpsState, FakeAgent, FakePool } from "./state.ts";
import { agentView, errorAnswer, jobView, listAnswer } from "./views.ts";

type Handle = (request: FakeRequest, ...ids: readonly string[]) => FakeAnswer;

const mostJobRequests = 200;

/** The distributed-task API over a state. Paths begin below `_apis/distributedtask`; who asks is known already. */
export function createRoutes(state: AzureDevOpsState): (request: FakeRequest, path: string) => FakeAnswer {
  const routes: readonly (readonly [string, RegExp, Handle])[] = [
    ["GET", /^\/pools$/, listPools],
    ["GET", /^\/pools\/([^/]+)$/, inPool((_request, pool) => ({ status: 200, json: pool }))],
    ["GET", /^\/pools\/([^/]+)\/jobrequests$/, inPool(listJobs)],
    ["GET", /^\/pools\/([^/]+)\/agents$/, inPool(listAgents)],
    ["POST", /^\/pools\/([^/]+)\/agents$/, changing(inPool(addAgent))],
    ["GET", /^\/pools\/([^/]+)\/agents\/([^/]+)$/, inPool(ofAgent(readAgent))],
    ["PUT", /^\/pools\/([^/]+)\/agents\/([^/]+)$/, changing(inPool(ofAgent(replaceAgent)))],
    ["PATCH", /^\/pools\/([^/]+)\/agents\/([^/]+)$/, changing(inPool(ofAgent(changeAgent)))],
    ["DELETE", /^\/pools\/([^/]+)\/agents\/([^/]+)$/, changing(inPool(ofAgent(deleteAgent)))],
    ["GET", /^\/resourceusage$/, resourceUsage],
  ];

  return (request, path) => {
    const version = request.query.get("api-version");
    if (version === null) return errorAnswer(400, "VssVersionNotSpecifiedException", "No api-version was supplied.");
    for (const [method, pattern, handle] of routes) {
      const [matched, ...ids] = method === request.method ? (pattern.exec(path) ?? []) : [];
      if (matched !== undefined) return handle(request, ...ids);
    }
    return errorAnswer(404, "VssResourceNotFoundException", "The resource cannot be found.");
  };

  function changing(handle: Handle): Handle {
    return (request, ...ids) =>
      state.rights === "read"
        ? errorAnswer(403, "AccessDeniedException", "Access denied. canary-person needs Manage permissions.")
        : handle(request, ...ids);
  }

  function inPool(handle: (request: FakeRequest, pool: FakePool, ...ids: readonly string[]) => FakeAnswer): Handle {
    return (request, poolId, ...ids) => {
      const pool = state.rights === "none" ? undefined : state.pools.get(Number(poolId));
      if (pool) return handle(request, pool, ...ids);
      return errorAnswer(404, "TaskAgentPoolNotFoundException", `No agent pool found with identifier ${poolId}.`);
    };
  }

  function ofAgent(handle: (request: FakeRequest, agent: FakeAgent) => FakeAnswer) {
    return (request: FakeRequest, pool: FakePool, id = ""): FakeAnswer => {
      const agent = state.agents.get(Number(id));
      if (agent?.pool === pool) return handle(request, agent);
      return errorAnswer(404, "TaskAgentNotFoundException", `No agent found with identifier ${id}.`);
    };
  }

  function listPools({ query }: FakeRequest): FakeAnswer {
    const wanted = query.get("poolName")?.toLowerCase();
    const pools = state.rights === "none" ? [] : [...state.pools.values()];
    return listAnswer(pools.filter(({ name }) => wanted === undefined || name.toLowerCase() === wanted));
  }

  /** What was cancelled in the queue counts as not completed, and is told for ever. */
  function listJobs({ query }: FakeRequest, pool: FakePool): FakeAnswer {
    const most = query.get("completedRequestCount");
    let left = most === null ? Number.POSITIVE_INFINITY : Number(most);
    const told = state.jobsOf(pool).filter((job) => {
      if (!job.result || !job.assignTime) return true;
      left -= 1;
      return left >= 0;
    });
    return listAnswer(told.slice(0, mostJobRequests).map(jobView));
  }

  function listAgents({ query }: FakeRequest, pool: FakePool): FakeAnswer {
    const wanted = query.get("agentName")?.toLowerCase();
    const listed = state.agentsOf(pool).filter(({ hidden }) => hidden !== true);
    const agents = listed.filter(({ name }) => wanted === undefined || name.toLowerCase() === wanted);
    return listAnswer(agents.map((agent) => agentView(agent, query)));
  }

  function readAgent({ query }: FakeRequest, agent: FakeAgent): FakeAnswer {
    return { status: 200, json: agentView(agent, query) };
  }

  function addAgent(request: FakeRequest, pool: FakePool): FakeAnswer {
    const { name, version, systemCapabilities, enabled, authorization } = bodyOf(request);
    if (!authorization?.publicKey?.modulus || !authorization.publicKey.exponent || !name || !version)
      return errorAnswer(400, "ArgumentException", "The agent is incomplete.");
    if (state.agentNamed(name, pool))
      return errorAnswer(state.duplicateStatus, "TaskAgentExistsException", `The pool already contains ${name}.`);
    const agent = state.addAgent(pool, name, {
      version,
      enabled: enabled ?? true,
      status: "offline",
      statusChangedOn: "0001-01-01T00:00:00",
      capabilities: systemCapabilities ?? {},
    });
    return { status: 200, json: agentView(agent, request.query) };
  }

  function replaceAgent(request: FakeRequest, agent: FakeAgent): FakeAnswer {
    const { id, name, version, systemCapabilities, enabled } = bodyOf(request);
    if (id !== agent.id || !name || !version) return errorAnswer(400, "ArgumentException", "The agent is incomplete.");
    Object.assign(agent, { name, version, enabled: enabled ?? true, capabilities: systemCapabilities ?? {} });
    return { status: 200, json: agentView(agent, request.query) };
  }

  function changeAgent(request: FakeRequest, agent: FakeAgent): FakeAnswer {
    const { id, enabled } = bodyOf(request);
    if (id !== agent.id) return errorAnswer(400, "ArgumentException", "The ids differ.");
    agent.enabled = enabled ?? agent.enabled;
    return { status: 200, json: agentView(agent, request.query) };
  }

  function deleteAgent(_request: FakeRequest, agent: FakeAgent): FakeAnswer {
    if (agent.job)
      return errorAnswer(400, "TaskAgentJobStillRunningException", `Agent ${agent.name} is running a job.`);
    state.removeAgent(agent);
    return { status: 204 };
  }

  function resourceUsage({ query }: FakeRequest): FakeAnswer {
    if (!query.get("api-version")?.includes("-preview"))
      return errorAnswer(400, "VssInvalidPreviewVersionException", "The resource is under preview.");
    const isHosted = query.get("poolIsHosted") === "true";
    const parallelismTag = query.get("parallelismTag");
    const told = state.parallelJobs !== undefined && !isHosted && parallelismTag === "Private";
    const resourceLimit = { parallelismTag, isHosted, ...(told && { totalCount: state.parallelJobs }) };
    return { status: 200, json: { usedCount: 0, runningRequests: [], resourceLimit } };
  }
}

interface AgentBody {
  readonly id?: number;
  readonly name?: string;
  readonly version?: string;
  readonly enabled?: boolean;
  readonly systemCapabilities?: Record<string, string>;
  readonly authorization?: { readonly publicKey?: { readonly modulus?: string; readonly exponent?: string } };
}

function bodyOf({ body }: FakeRequest): AgentBody {
  return JSON.parse(body.toString("utf8")) as AgentBody;
}
