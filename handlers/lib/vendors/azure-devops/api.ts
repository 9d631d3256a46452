import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { type HttpRequest, pathOf } from "../http.ts";
import { connect } from "./connection.ts";
import type { Capabilities } from "./demands.ts";

const jobRequest = z.object({
  requestId: z.number(),
  queueTime: z.iso.datetime({ offset: true }),
  receiveTime: z.string().nullish(),
  /** Only while an agent has the job. */
  reservedAgent: z.unknown().optional(),
  result: z.string().nullish(),
  demands: z.array(z.string()).nullish(),
});

/** A row of `jobrequests`, as far as it matters. */
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

/** An agent of a pool, as far as it matters. Times are texts, because they decide about nothing but leftovers. */
export type PoolAgent = z.output<typeof poolAgent>;

/** The agent pool of a fleet over the distributed-task API. Every failure is a {@link VendorApiError}. */
export interface PoolApi {
  /** Jobs that have not ended, and those that ended in the queue; at most 200, which the API does not go beyond. */
  listJobs(): Promise<readonly JobRequest[]>;
  /** Every agent, or those of exactly this name. */
  listAgents(name?: string): Promise<readonly PoolAgent[]>;
  readCapabilities(id: string): Promise<Capabilities>;
  addAgent(agent: object): Promise<void>;
  replaceAgent(id: string, agent: object): Promise<void>;
  setEnabled(id: string, name: string, enabled: boolean): Promise<void>;
  /** Azure DevOps refuses while the agent runs a job. */
  deleteAgent(id: string): Promise<void>;
}

const version = { "api-version": "7.1" };
/** Undocumented, and what the autoscalers in use ask: `$top` would change the answer's form. */
const jobRequestsQuery = { completedRequestCount: 0, "api-version": "6.0" };
const list = <T extends z.ZodType>(item: T) => z.object({ value: z.array(item) });
const namedPool = z.object({ id: z.number(), name: z.string() });
const capableAgent = z.object({ systemCapabilities: z.record(z.string(), z.string()).nullish() });

/** See {@link PoolApi}. Keep it between passes: it caches the pool's id. */
export function createPoolApi(config: Pick<AzureDevOpsRuntime, "url" | "auth" | "pool">, deps: VendorDeps): PoolApi {
  const http = connect(config, deps);
  const { pool } = config;
  const poolLabel = "id" in pool ? String(pool.id) : `"${pool.name}"`;
  let knownId: number | undefined;

  async function poolId(): Promise<number> {
    if ("id" in pool) return pool.id;
    if (knownId !== undefined) return knownId;
    const query = { poolName: pool.name, ...version };
    const { body } = await http.json(list(namedPool), { method: "GET", path: "/distributedtask/pools", query });
    knownId = body.value.find(({ name }) => name === pool.name)?.id;
    if (knownId === undefined) throw poolNotFound();
    return knownId;
  }

  function poolNotFound(cause?: VendorApiError): VendorApiError {
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
      if (!(error instanceof VendorApiError) || error.kind !== "not-found") throw error;
      // One of the same name may have taken its place.
      knownId = undefined;
      throw poolNotFound(error);
    }
  }

  return {
    listJobs: () => listInPool(jobRequest, "jobrequests", jobRequestsQuery),

    async listAgents(name) {
      const query = { includeAssignedRequest: "true", ...version, ...(name !== undefined && { agentName: name }) };
      const agents = await listInPool(poolAgent, "agents", query);
      return name === undefined ? agents : agents.filter((agent) => agent.name === name);
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
