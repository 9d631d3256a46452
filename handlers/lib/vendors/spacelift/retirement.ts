import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi, type DrainedWorker, type Worker } from "./api.ts";
import { placementOf } from "./worker.ts";

/**
 * Draining is the lock, and its answer shows whether the worker has a run. So nothing can happen between the two.
 *
 * Absence proves nothing, even if Spacelift is asked for exactly this worker and does not know it: Spacelift forgets a
 * worker that has been silent for a while (assumed), and the run may go on. Such a worker is `unseen`, like one that was never
 * listed. While the pool lists a worker that does not say on which machine it runs, it is `unmatched`.
 */
export function createSpaceliftRetirement(config: SpaceliftRuntime, deps: VendorDeps): VendorRetirement {
  const api = createWorkerPoolApi(config, deps);

  /** A restarted launcher is another worker on the same instance, and the list may still contain the first one. */
  function isOf({ name, vendorId }: AgentReference, worker: Worker): boolean {
    const placement = placementOf(worker, config);
    return worker.id === vendorId || (placement.type === "matched" && placement.instance === name);
  }

  function idsOf(agent: AgentReference, workers: readonly Worker[]): readonly string[] {
    const listed = workers.filter((worker) => isOf(agent, worker)).map(({ id }) => id);
    return [...new Set([...listed, ...(agent.vendorId === undefined ? [] : [agent.vendorId])])];
  }

  function hasUnplaced(workers: readonly Worker[]): boolean {
    return workers.some((worker) => placementOf(worker, config).type === "unmatched");
  }

  /** The state of a worker that Spacelift does not know. */
  async function afterRefusal(id: string): Promise<"listed" | "unclear" | "unseen"> {
    const workers = await api.listWorkers();
    if (workers.some((worker) => worker.id === id)) return "listed";
    return hasUnplaced(workers) ? "unclear" : "unseen";
  }

  /** `undefined`: the answer contains no worker, or another one. */
  async function setDrain(id: string, drain: boolean): Promise<DrainedWorker | "unclear" | "unseen" | undefined> {
    try {
      const answer = await api.setDrain(id, drain);
      if (answer) return answer.id === id ? answer : undefined;
      const state = await afterRefusal(id);
      return state === "listed" ? undefined : state;
    } catch (error) {
      if (!(error instanceof VendorApiError && ["invalid", "not-found"].includes(error.kind))) throw error;
      const state = await afterRefusal(id);
      if (state === "listed") throw /not found/i.test(error.message) ? notAllowed(error) : error;
      return state;
    }
  }

  async function drain(id: string): Promise<"idle" | "busy" | "unseen"> {
    const answer = await setDrain(id, true);
    if (answer === "unseen") return "unseen";
    return typeof answer === "object" && answer.drained === true && answer.busy === false ? "idle" : "busy";
  }

  async function undrain(id: string): Promise<void> {
    const answer = await setDrain(id, false);
    if (answer === "unseen" || answer === "unclear") return;
    if (answer?.drained === false) return;
    throw new VendorApiError(
      "malformed",
      `undraining of a worker: the answer does not confirm that ${id} is undrained`,
    );
  }

  return {
    async drain(agent) {
      const workers = await api.listWorkers();
      const states = new Set(await Promise.all(idsOf(agent, workers).map(drain)));
      if (states.size === 0) return hasUnplaced(workers) ? "unmatched" : "unseen";
      if (states.has("busy")) return "busy";
      return states.has("idle") ? "idle" : "unseen";
    },

    async undrain(agent) {
      await Promise.all(idsOf(agent, await api.listWorkers()).map(undrain));
    },

    /** There is no record to delete: Spacelift itself deletes a worker whose instance is gone. */
    deregister: () => Promise.resolve(),
  };
}

/** Spacelift answers "not found" also to a key that may read a worker and may not drain it. */
function notAllowed({ kind, message }: VendorApiError): VendorApiError {
  return new VendorApiError(
    kind,
    `${message}, but the worker is listed: the API key lacks the right to drain it (Worker Pool: Drain worker)`,
  );
}
