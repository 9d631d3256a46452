import { VendorApiError } from "../../core/errors.ts";
import type { Vendor, VendorAgent } from "../../core/ports.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import {
  agentCapabilities,
  agentVariables,
  type Capabilities,
  mergeCapabilities,
} from "../../settings/vendors/azure-devops-agent.ts";
import type { VendorDeps } from "../deps.ts";
import { createPoolApi, type PoolAgent } from "./api.ts";
import { demandOfJobs } from "./demand.ts";
import { createPlaceholder } from "./placeholder.ts";

/** The runtime half of Azure DevOps Services and Server, for one agent pool. Keep it between passes: it caches tokens. */
export function createAzureDevOps(config: AzureDevOpsRuntime, deps: VendorDeps): Vendor {
  const api = createPoolApi(config, deps);
  const capabilities = offersOf(config);
  const placeholder = createPlaceholder({ placeholder: config.placeholder, capabilities }, api);
  return {
    async readDemand() {
      return demandOfJobs(await api.listJobs(), capabilities);
    },

    async listAgents() {
      return (await api.listAgents()).map(vendorAgent);
    },

    async removeAgent(id) {
      try {
        await api.deleteAgent(id);
      } catch (error) {
        if (!isRefusalOrAbsence(error)) throw error;
      }
    },

    keepQueueOpen: (agents) => placeholder.ensure(agents),
  };
}

/**
 * What agents of this pool offer to jobs that demand it. What the agent says by itself hides variables of that name.
 */
export function offersOf(config: Pick<AzureDevOpsRuntime, "url" | "pool" | "capabilities" | "poolCapabilities">) {
  const { capabilities, poolCapabilities = {} } = config;
  return mergeCapabilities<Capabilities[string]>(
    capabilities,
    poolCapabilities,
    agentVariables(config),
    agentCapabilities,
  );
}

/** A job that is assigned counts, even to an agent that is offline for the moment or disabled: it may be running. */
function vendorAgent(agent: PoolAgent): VendorAgent {
  const { name, status, enabled } = agent;
  const identity = { id: String(agent.id), name };
  if ((agent.assignedRequest ?? null) !== null) return { ...identity, state: "busy" };
  if (status === "offline") return { ...identity, state: "offline", offlineSince: offlineSince(agent) };
  if (status !== "online" || typeof enabled !== "boolean") return { ...identity, state: "busy" };
  return { ...identity, state: enabled ? "idle" : "draining" };
}

/** An agent that never connected may say that its status changed at the beginning of time. */
function offlineSince({ statusChangedOn, createdOn }: PoolAgent): Date | undefined {
  const times = [statusChangedOn, createdOn].map((time) => Date.parse(time ?? "")).filter(Number.isFinite);
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

/** Azure DevOps answers 400 or 409 while the agent runs a job, and 404 when it is gone. */
function isRefusalOrAbsence(error: unknown): boolean {
  return error instanceof VendorApiError && ["not-found", "conflict", "invalid"].includes(error.kind);
}
