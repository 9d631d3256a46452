import { parseOperation } from "../fakes/spacelift/graphql.ts";
import type { FakeWorker, FakeWorkerPool } from "../fakes/spacelift/state.ts";
import type { SpaceliftFake } from "../fakes/spacelift.ts";
import type { VendorAgents } from "./instances.ts";

/** The workers of a pool. They take one run after the other without a pause. */
export interface SpaceliftWorkers extends VendorAgents {
  /** Runs that have ended on their worker. */
  readonly finished: number;
  /** Called before Spacelift drains a worker on request. */
  beforeDrain: ((instance: string) => void) | undefined;
  of(instance: string): FakeWorker;
  /** Gives a worker the next run. Returns whether it took it. */
  startRun(instance: string): boolean;
}

/** The pool contains no other workers. */
export function createSpaceliftWorkers(spacelift: SpaceliftFake, pool: FakeWorkerPool): SpaceliftWorkers {
  const { state } = spacelift;
  /** By instance. */
  const known = new Map<string, FakeWorker>();
  let finished = 0;

  spacelift.onRequest = ({ body }) => {
    const { query, variables = {} } = JSON.parse(body.toString("utf8"));
    const [field] = parseOperation(query, variables).fields;
    if (field?.name !== "workerDrainSet") return;
    const { id, drain } = field.arguments;
    const [instance] = [...known].find(([, worker]) => worker.id === id) ?? [];
    if (instance === undefined) return;
    if (drain) workers.beforeDrain?.(instance);
    workers.onTold?.(drain ? "drain" : "undrain", instance);
  };

  const workers: SpaceliftWorkers = {
    get finished() {
      return finished;
    },
    beforeDrain: undefined,
    onTold: undefined,
    of(instance) {
      const worker = known.get(instance);
      if (!worker) throw new Error(`${instance} has no worker`);
      return worker;
    },
    isBusy: (instance) => known.get(instance)?.busy === true,
    startRun(instance) {
      const taken = pool.pendingRuns > 0 && state.startRun(workers.of(instance));
      if (taken) pool.pendingRuns -= 1;
      return taken;
    },
    async arrive({ id }) {
      known.set(id, state.addWorker(pool, id));
    },
    async takeJob(instance) {
      workers.startRun(instance);
    },
    async finishJob(instance) {
      state.endRun(workers.of(instance));
      finished += 1;
      workers.startRun(instance);
    },
    vanish(instance) {
      pool.workers.delete(workers.of(instance).id);
      known.delete(instance);
    },
  };
  return workers;
}
