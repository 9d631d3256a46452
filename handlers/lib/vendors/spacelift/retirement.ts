import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi, type DrainedWorker, type Worker } from "./api.ts";
import { placementOf } from "./worker.ts";

/**
 * Draining is the lock, and its answer shows whether the worker has a run. So nothing can happen between the two.
 *
 * Absence proves little. A worker is `gone` if Spacelift refuses to drain it by its id, and the pool lists neither this
 * worker nor any worker on an unknown machine. A machine without a listed worker is `unseen`: the list may be late, or
 * the worker may not report its machine.
 */
export function createSpaceliftRetirement(config: SpaceliftRuntime, deps: VendorDeps): VendorRetirement {
  const api = createWorkerPoolApi(config, deps);

  /** A restarted launcher is another worker on the same instance, and the list may still contain the first one. */
  function isOf({ name, vendorId }: AgentReference, worker: Worker): boolean {
    const placement = placementOf(worker, config);
    return worker.id === vendorId || (placement.type === "matched" && placement.instance === name);
  }

  async function idsOf(agent: AgentReference): Promise<readonly string[]> {
    const listed = (await api.listWorkers()).filter((worker) => isOf(agent, worker)).map(({ id }) => id);
    return [...new Set([...listed, ...(agent.vendorId === undefined ? [] : [agent.vendorId])])];
  }

  /** The state of a worker that Spacelift does not know: `gone`, unless the list shows that this could be wrong. */
  async function afterRefusal(id: string): Promise<"listed" | "unclear" | "gone"> {
    const workers = await api.listWorkers();
    if (workers.some((worker) => worker.id === id)) return "listed";
    return workers.some((worker) => placementOf(worker, config).type === "unmatched") ? "unclear" : "gone";
  }

  /** `undefined`: the answer contains no worker, or another one. */
  async function setDrain(id: string, drain: boolean): Promise<DrainedWorker | "unclear" | "gone" | undefined> {
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

  async function drain(id: string): Promise<"idle" | "busy" | "gone"> {
    const answer = await setDrain(id, true);
    if (answer === "gone") return "gone";
    return typeof answer === "object" && answer.drained === true && answer.busy === false ? "idle" : "busy";
  }

  async function undrain(id: string): Promise<void> {
    const answer = await setDrain(id, false);
    if (answer === "gone" || answer === "unclear") return;
    if (answer?.drained === false) return;
    throw new VendorApiError(
      "malformed",
      `undraining of a worker: the answer does not confirm that ${id} is undrained`,
    );
  }

  return {
    async drain(agent) {
      const ids = await idsOf(agent);
      const states = new Set(await Promise.all(ids.map(drain)));
      if (states.size === 0) return "unseen";
      if (states.has("busy")) return "busy";
      return states.has("idle") ? "idle" : "gone";
    },

    async undrain(agent) {
      await Promise.all((await idsOf(agent)).map(undrain));
    },

    /** There is no record to delete: Spacelift itself deletes a worker whose instance is gone. */
    deregister: () => Promise.resolve(),
  };
}
