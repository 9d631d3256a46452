import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi, type DrainedWorker, type Worker } from "./api.ts";
import { instanceOf } from "./worker.ts";

/**
 * Draining is the lock, and the answer to it tells whether the worker has a run: nothing is between the two. That a worker
 * is gone is only ever read from the pool's list.
 */
export function createSpaceliftRetirement(config: SpaceliftRuntime, deps: VendorDeps): VendorRetirement {
  const api = createWorkerPoolApi(config, deps);

  /** A launcher that was started again on its instance is another worker, and the first may still be listed. */
  async function find({ name, vendorId }: AgentReference): Promise<readonly Worker[]> {
    return (await api.listWorkers()).filter((worker) => instanceOf(worker) === name || worker.id === vendorId);
  }

  async function isListed(id: string): Promise<boolean> {
    return (await api.listWorkers()).some((worker) => worker.id === id);
  }

  /** `gone`: it left after it was listed. `undefined`: the answer tells of no worker, or of another one. */
  async function setDrain(id: string, drain: boolean): Promise<DrainedWorker | "gone" | undefined> {
    try {
      const answer = await api.setDrain(id, drain);
      if (answer) return answer.id === id ? answer : undefined;
      return (await isListed(id)) ? undefined : "gone";
    } catch (error) {
      const refused = error instanceof VendorApiError && ["invalid", "not-found"].includes(error.kind);
      if (!refused || (await isListed(id))) throw error;
      return "gone";
    }
  }

  async function drain(id: string): Promise<"idle" | "busy" | "gone"> {
    const answer = await setDrain(id, true);
    if (answer === "gone") return "gone";
    return answer?.drained === true && answer.busy === false ? "idle" : "busy";
  }

  async function undrain(id: string): Promise<void> {
    const answer = await setDrain(id, false);
    if (answer === "gone" || answer?.drained === false) return;
    throw new VendorApiError("malformed", `undraining of a worker: no answer that ${id} is drained no more`);
  }

  return {
    async drain(agent) {
      const workers = await find(agent);
      const states = new Set(await Promise.all(workers.map(({ id }) => drain(id))));
      if (states.has("busy")) return "busy";
      return states.has("idle") ? "idle" : "gone";
    },

    async undrain(agent) {
      const workers = await find(agent);
      await Promise.all(workers.map(({ id }) => undrain(id)));
    },

    /** Spacelift has no record to delete: it forgets a worker whose instance is no more. */
    deregister: () => Promise.resolve(),
  };
}
