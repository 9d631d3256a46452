import type { Vendor } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi } from "./api.ts";
import { vendorAgent } from "./worker.ts";

/**
 * The worker pool of one fleet. An agent's name is the id of its instance. Spacelift counts queued runs for the whole
 * pool: two fleets on one pool would both launch for the same run.
 */
export function createSpacelift(config: SpaceliftRuntime, deps: VendorDeps): Vendor {
  const api = createWorkerPoolApi(config, deps);
  return {
    async readDemand() {
      const { pending, running } = await api.countRuns();
      return { queued: pending, running };
    },

    async listAgents() {
      return (await api.listWorkers()).map((worker) => vendorAgent(worker, config));
    },

    /** Spacelift itself deletes a worker that stops reporting. */
    removeAgent: () => Promise.resolve(),
  };
}
