import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { type HttpRequest, pathOf } from "../http.ts";
import { connect } from "./connection.ts";

const jobRequest = z.object({
  requestId: z.number(),
  queueTime: z.iso.datetime({ offset: true }),
  receiveTime: z.string().nullish(),
  /** Present only while an agent has the job. */
  reservedAgent: z.unknown().optional(),
  result: z.string().nullish(),
  demands: z.array(z.string()).nullish(),
});

/** Times are as they come: who reads the past copes with those that are missing. */
const pastRequest = z.object({
  requestId: z.unknown().optional(),
  queueTime: z.unknown().optional(),
  receiveTime: z.unknown().optional(),
  finishTime: z.unknown().optional(),
  result: z.unknown().optional(),
});

/** A row of `jobrequests` about a job of the past. */
export type PastRequest = z.output<typeof pastRequest>;

/** The used fields of a row of `jobrequests`. */
export type JobRequest = z.output<typeof jobRequest>;

const poolAgent = z.object({
  id: z.number(),
  name: z.string(),
  enabled: z.boolean().nullish(),
  status: z.string(),
  assignedRequest: z.unknown().optional(),
  createdOn: z.string().nullish(),
  statusChangedOn: z.string().nullish(),
});

/** The used fields of an agent. Times are texts, because they only matter for leftover records. */
export type PoolAgent = z.output<typeof poolAgent>;

/**
 * The agent pool of a fleet over the distributed-task API. Every failure is a {@link VendorApiError}. Every call finds
 * the pool first. If the pool with the given id has another name, every call fails as `misconfigured`.
 */
export interface PoolApi {
  /** Jobs that have not ended, and those that ended in the queue; at most {@link mostJobs}. */
  listJobs(): Promise<readonly JobRequest[]>;
  /**
   * Jobs of the pool with those that ended, at most so many of them. Azure DevOps may give fewer: its limit is
   * undocumented.
   */
  listHistory(ended: number): Promise<readonly PastRequest[]>;
  /** Every agent, or the agents with this name. */
  listAgents(name?: string): Promise<readonly PoolAgent[]>;
  /**
   * The agent with this id, read by its id and not from a list. `undefined`: the pool is visible but has no such agent.
   */
  findAgent(id: string): Promise<PoolAgent | undefined>;
  readCapabilities(id: string): Promise<Readonly<Record<string, string>>>;
  addAgent(agent: object): Promise<void>;
  replaceAgent(id: string, agent: object): Promise<void>;
  setEnabled(id: string, name: string, enabled: boolean): Promise<void>;
  /** Azure DevOps refuses while the agent runs a job. */
  deleteAgent(id: string): Promise<void>;
}

/** The API answers with no more job requests, and says nothing of others: https://github.com/kedacore/keda/issues/6819. */
export const mostJobs = 200;

const version = { "api-version": "7.1" };
/** Undocumented, but common autoscalers use it: `$top` would change the answer's form. */
const jobRequestsQuery = { completedRequestCount: 0, "api-version": "6.0" };
const list = <T extends z.ZodType>(item: T) => z.object({ value: z.array(item) });
const namedPool = z.object({ id: z.number(), name: z.string() });
const capableAgent = z.object({ systemCapabilities: z.record(z.string(), z.string()).nullish() });

/** A pool may be renamed, so it is looked up again after this time. */
const poolCacheMilliseconds = 5 * 60_000;

/**
 * Whether two names belong to the same pool or agent. Azure DevOps compares them without regard to case. Assumed for
 * all letters; its documentation does not describe this.
 */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** See {@link PoolApi}. Keep it between passes: it caches the pool. */
export function createPoolApi(config: Pick<AzureDevOpsRuntime, "url" | "auth" | "pool">, deps: VendorDeps): PoolApi {
  const http = connect(config, deps);
  const { pool } = config;
  const poolLabel = `"${pool.name}"${pool.id === undefined ? "" : ` with id ${pool.id}`}`;
  let known: { readonly id: number; readonly readAt: number } | undefined;

  async function poolId(): Promise<number> {
    const now = deps.clock.now().getTime();
    if (known !== undefined && now - known.readAt < poolCacheMilliseconds) return known.id;
    known = { id: await (pool.id === undefined ? idByName(pool.name) : checkedId(pool.id)), readAt: now };
    return known.id;
  }

  async function idByName(name: string): Promise<number> {
    const query = { poolName: name, ...version };
    const { body } = await http.json(list(namedPool), { method: "GET", path: "/distributedtask/pools", query });
    const found = body.value.find((each) => isSameName(each.name, name));
    if (found === undefined) throw poolNotFound();
    return found.id;
  }

  async function checkedId(id: number): Promise<number> {
    const path = pathOf("distributedtask", "pools", String(id));
    try {
      const { name } = (await http.json(namedPool, { method: "GET", path, query: version })).body;
      if (isSameName(name, pool.name)) return id;
      const message = `pool ${id} is named "${name}", but agents register in "${pool.name}": correct the id or the name`;
      throw new VendorApiError("misconfigured", message);
    } catch (error) {
      throw isNotFound(error) ? poolNotFound(error) : error;
    }
  }

  function poolNotFound(cause?: VendorApiError): VendorApiError {
    // Another agent with the same name may have replaced it.
    known = undefined;
    const message = `agent pool ${poolLabel} does not exist, or the credential may not see it`;
    return new VendorApiError("not-found", message, { cause, ...(cause?.status && { status: cause.status }) });
  }

  async function inPool(...segments: readonly string[]): Promise<string> {
    return pathOf("distributedtask", "pools", String(await poolId()), ...segments);
  }

  async function listInPool<T extends z.ZodType>(item: T, what: string, query: HttpRequest["query"] & object) {
    const path = await inPool(what);
    try {
      return (await http.json(list(item), { method: "GET", path, query })).body.value;
    } catch (error) {
      throw isNotFound(error) ? poolNotFound(error) : error;
    }
  }

  return {
    listJobs: () => listInPool(jobRequest, "jobrequests", jobRequestsQuery),

    listHistory: (ended) =>
      listInPool(pastRequest, "jobrequests", { ...jobRequestsQuery, completedRequestCount: ended }),

    async listAgents(name) {
      const query = { includeAssignedRequest: "true", ...version, ...(name !== undefined && { agentName: name }) };
      const agents = await listInPool(poolAgent, "agents", query);
      return name === undefined ? agents : agents.filter((agent) => isSameName(agent.name, name));
    },

    async findAgent(id) {
      const query = { includeAssignedRequest: "true", ...version };
      try {
        return (await http.json(poolAgent, { method: "GET", path: await inPool("agents", id), query })).body;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        // An invisible pool gives the same answer. Then this list fails.
        const agents = await listInPool(poolAgent, "agents", query);
        return agents.find((agent) => String(agent.id) === id);
      }
    },

    async readCapabilities(id) {
      const query = { includeCapabilities: "true", ...version };
      const { body } = await http.json(capableAgent, { method: "GET", path: await inPool("agents", id), query });
      return body.systemCapabilities ?? {};
    },

    async addAgent(agent) {
      await http.send({ method: "POST", path: await inPool("agents"), query: version, body: agent });
    },

    async replaceAgent(id, agent) {
      const body = { ...agent, id: Number(id) };
      await http.send({ method: "PUT", path: await inPool("agents", id), query: version, body });
    },

    async setEnabled(id, name, enabled) {
      const body = { id: Number(id), name, enabled };
      const path = await inPool("agents", id);
      await http.send({ method: "PATCH", path, query: version, body, idempotent: true });
    },

    async deleteAgent(id) {
      await http.send({ method: "DELETE", path: await inPool("agents", id), query: version });
    },
  };
}

function isNotFound(error: unknown): error is VendorApiError {
  return error instanceof VendorApiError && error.kind === "not-found";
}
