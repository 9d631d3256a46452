import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi, type DrainedWorker, type Worker } from "./api.ts";
import { placementOf } from "./worker.ts";

/**
 * Draining is the lock, and the answer to it tells whether the worker has a run: nothing is between the two.
 *
 * Absence proves nothing, not even where Spacelift was asked for this very worker and does not know it: it forgets a
 * worker that it has not heard of for a while (assumed), and the run may go on. Such a worker is `unseen`, as is one that
 * was never seen. While its pool lists a worker that nobody can place, it is `busy`.
 */
export function createSpaceliftRetirement(config: SpaceliftRuntime, deps: VendorDeps): VendorRetirement {
  const api = createWorkerPoolApi(config, deps);

  /** A launcher that was started again on its instance is another worker, and the first may still be listed. */
  function isOf({ name, vendorId }: AgentReference, worker: Worker): boolean {
    const placement = placementOf(worker, config);
    return worker.id === vendorId || (placement.type === "matched" && placement.instance === name);
  }

  async function idsOf(agent: AgentReference): Promise<readonly string[]> {
    const listed = (await api.listWorkers()).filter((worker) => isOf(agent, worker)).map(({ id }) => id);
    return [...new Set([...listed, ...(agent.vendorId === undefined ? [] : [agent.vendorId])])];
  }

  /** What the pool says of a worker that Spacelift refused to know. */
  async function afterRefusal(id: string): Promise<"listed" | "unclear" | "unseen"> {
    const workers = await api.listWorkers();
    if (workers.some((worker) => worker.id === id)) return "listed";
    return workers.some((worker) => placementOf(worker, config).type === "unmatched") ? "unclear" : "unseen";
  }

  /** `undefined`: the answer tells of no worker, or of another one. */
  async function setDrain(id: string, drain: boolean): Promise<DrainedWorker | "unclear" | "unseen" | undefined> {
    try {
      const answer = await api.setDrain(id, drain);
      if (answer) return answer.id === id ? answer : undefined;
      const state = await afterRefusal(id);
      return state === "listed" ? undefined : state;
    } catch (error) {
      if (!(error instanceof VendorApiError && ["invalid", "not-found"].includes(error.kind))) throw error;
      const state = await afterRefusal(id);
      if (state === "listed") throw error;
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
    throw new VendorApiError("malformed", `undraining of a worker: no answer that ${id} is drained no more`);
  }

  return {
    async drain(agent) {
      const states = new Set(await Promise.all((await idsOf(agent)).map(drain)));
      if (states.has("busy")) return "busy";
      return states.has("idle") ? "idle" : "unseen";
    },

    async undrain(agent) {
      await Promise.all((await idsOf(agent)).map(undrain));
    },

    /** Spacelift has no record to delete: it forgets a worker whose instance is no more. */
    deregister: () => Promise.resolve(),
  };
}
