import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createGraphql } from "./graphql.ts";

const anything = z.unknown().optional();

/**
 * A worker in the pool's list. Optional fields are not validated strictly, so that one odd worker cannot break the
 * list.
 */
const worker = z.object({
  id: z.string(),
  busy: anything,
  drained: anything,
  /** JSON in a string, from the worker's `SPACELIFT_METADATA_*`. */
  metadata: anything,
  /** Since when it is idle, in seconds since 1970; only from newer servers. */
  availableAt: anything,
});

/** See {@link worker}. */
export type Worker = z.output<typeof worker>;

/** A worker after a change of its drain flag. */
export type DrainedWorker = Pick<Worker, "id" | "busy" | "drained">;

/**
 * The worker pool of a fleet over Spacelift's GraphQL API, without paging. Every failure is a {@link VendorApiError}.
 */
export interface WorkerPoolApi {
  listWorkers(): Promise<readonly Worker[]>;
  /** Counts runs that could start if a worker were free, and workers with a run. */
  countRuns(): Promise<{ readonly pending: number; readonly running: number }>;
  /** Draining is a lock: a drained worker starts no run. `undefined`: the answer contains no worker. */
  setDrain(workerId: string, drain: boolean): Promise<DrainedWorker | undefined>;
}

const runsQuery = "query ($pool: ID!) { workerPool(id: $pool) { pendingRuns workers { busy } } }";
const workersQuery = (fields: string) => `query ($pool: ID!) { workerPool(id: $pool) { workers { ${fields} } } }`;
const drainMutation =
  "mutation ($pool: ID!, $worker: ID!, $drain: Boolean!) " +
  "{ workerDrainSet(workerPool: $pool, id: $worker, drain: $drain) { id busy drained } }";

const poolOfWorkers = z.object({ workers: z.array(worker) });
const poolOfRuns = z.object({ pendingRuns: z.int().min(0), workers: z.array(z.object({ busy: anything })) });
const drained = z.object({
  workerDrainSet: z.object({ id: z.string(), busy: anything, drained: anything }).nullable(),
});

/** See {@link WorkerPoolApi}. Keep it between passes: it holds a session. */
export function createWorkerPoolApi(config: SpaceliftRuntime, deps: VendorDeps): WorkerPoolApi {
  /** All our operations set an absolute state, so that repeating one is harmless. */
  const ask = createGraphql(config, deps);
  let tellsIdleTimes = true;

  async function readPool<T>(pool: z.ZodType<T>, name: string, query: string): Promise<T> {
    const answer: z.ZodType<{ workerPool: T | null }> = z.object({ workerPool: pool.nullable() });
    const { workerPool } = await ask(answer, { name, query, variables: { pool: config.workerPoolId } });
    if (workerPool !== null) return workerPool;
    const which = `worker pool ${config.workerPoolId} at ${config.endpoint}`;
    throw new VendorApiError("not-found", `${name}: ${which} does not exist, or the API key may not see it`);
  }

  async function readWorkers(fields: string): Promise<readonly Worker[]> {
    return (await readPool(poolOfWorkers, "list of workers", workersQuery(fields))).workers;
  }

  return {
    async listWorkers() {
      const fields = "id busy drained metadata";
      if (!tellsIdleTimes) return readWorkers(fields);
      try {
        return await readWorkers(`${fields} availableAt`);
      } catch (error) {
        if (!(error instanceof VendorApiError && error.kind === "invalid" && /availableAt/.test(error.message)))
          throw error;
        const workers = await readWorkers(fields);
        tellsIdleTimes = false;
        return workers;
      }
    },

    async countRuns() {
      const { pendingRuns, workers } = await readPool(poolOfRuns, "count of runs", runsQuery);
      return { pending: pendingRuns, running: workers.filter(({ busy }) => busy !== false).length };
    },

    async setDrain(workerId, drain) {
      const variables = { pool: config.workerPoolId, worker: workerId, drain };
      const name = drain ? "draining of a worker" : "undraining of a worker";
      const { workerDrainSet } = await ask(drained, { name, query: drainMutation, variables });
      return workerDrainSet ?? undefined;
    },
  };
}
