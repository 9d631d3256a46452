import type { FakeAnswer } from "../http-fake.ts";
import type { FakeAgent, FakeJob } from "./state.ts";

/** An error as Azure DevOps words it. */
export function errorAnswer(status: number, typeKey: string, message: string): FakeAnswer {
  const json = { $id: "1", innerException: null, message, typeName: typeKey, typeKey, errorCode: 0, eventId: 3000 };
  return { status, json };
}

/** A list as Azure DevOps gives it. */
export function listAnswer(value: readonly unknown[]): FakeAnswer {
  return { status: 200, json: { count: value.length, value } };
}

/** What a person sees who has to sign in. */
export function signInPage(status: 203 | 302 | 401): FakeAnswer {
  if (status === 302) return { status, headers: { location: "/_signin" }, text: "" };
  return { status, headers: { "content-type": "text/html" }, text: "<html><title>Sign In</title></html>" };
}

/** A row of `jobrequests`. */
export function jobView(job: FakeJob): object {
  const { id, pool, agent, ...told } = job;
  return {
    requestId: id,
    poolId: pool.id,
    planType: "Build",
    matchedAgents: [],
    ...told,
    ...(agent && { reservedAgent: { id: agent.id, name: agent.name } }),
    ...(told.receiveTime !== undefined && { lockedUntil: told.receiveTime }),
  };
}

/** An agent, with what was asked for. */
export function agentView(agent: FakeAgent, asked: URLSearchParams): object {
  const { job, capabilities, pool: _, hidden: _hidden, stale, ...told } = agent;
  return {
    ...told,
    maxParallelism: 1,
    ...(asked.get("includeAssignedRequest") === "true" && job && !stale && { assignedRequest: jobView(job) }),
    ...(asked.get("includeCapabilities") === "true" && { systemCapabilities: capabilities, userCapabilities: {} }),
  };
}
