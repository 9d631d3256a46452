import type { Vendor } from "../../core/ports.ts";
import type { SpaceliftRuntime } from "../../settings/vendors/spacelift.ts";
import type { VendorDeps } from "../deps.ts";
import { createWorkerPoolApi } from "./api.ts";
import { vendorAgent } from "./worker.ts";

/**
 * The worker pool of one fleet. Agents go by the instance they run on. Queued runs are those of the whole pool: two fleets
 * on one pool would both launch for the same run.
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

    /** Spacelift forgets a worker that reports no more. */
    removeAgent: () => Promise.resolve(),
  };
}
