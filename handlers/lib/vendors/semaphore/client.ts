import * as z from "zod";
import type { Vendor } from "../../core/ports.ts";
import type { SemaphoreRuntime } from "../../settings/vendors/semaphore.ts";
import type { VendorDeps } from "../deps.ts";
import { createHttp } from "../http.ts";

const count = z.int().min(0);

/** The answer also has `agents`. It counts agents that left long ago, so the loop ignores it. */
const metrics = z.object({ jobs: z.object({ queued: count, running: count }) });

/**
 * The runtime half of Semaphore: the jobs of one agent type, which the registration token identifies. The API lists no
 * agents, and Semaphore itself deletes records of agents that left.
 */
export function createSemaphore({ address }: SemaphoreRuntime, deps: VendorDeps): Vendor {
  const http = createHttp({
    baseUrl: address,
    clock: deps.clock,
    authorize: async (request) => ({ authorization: `Token ${await deps.readToken(request)}` }),
    headers: { accept: "application/json" },
    // Semaphore answers "not found" to an unknown or revoked token.
    unauthorizedStatuses: [404],
    timeoutMilliseconds: deps.timeoutMilliseconds,
    deadline: deps.deadline,
    fetch: deps.fetch,
  });

  return {
    async readDemand() {
      const { body } = await http.json(metrics, { method: "GET", path: "/api/v1/self_hosted_agents/metrics" });
      return { queued: body.jobs.queued, running: body.jobs.running };
    },
    listAgents: () => Promise.resolve(undefined),
    removeAgent: () => Promise.resolve(),
  };
}
