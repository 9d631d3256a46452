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
import { createPoolApi, mostJobs, type PoolAgent } from "./api.ts";
import { demandOfJobs } from "./demand.ts";
import { createPlaceholder } from "./placeholder.ts";

/**
 * The runtime half of Azure DevOps Services and Server, for one agent pool. Keep it between passes: it caches tokens.
 */
export function createAzureDevOps(config: AzureDevOpsRuntime, deps: VendorDeps): Vendor {
  const api = createPoolApi(config, deps);
  const capabilities = offersOf(config);
  const placeholder = createPlaceholder({ placeholder: config.placeholder, capabilities }, api);
  return {
    async readDemand() {
      const jobs = await api.listJobs();
      return { ...demandOfJobs(jobs, capabilities), ...(jobs.length >= mostJobs && { partial: true }) };
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
 * The capabilities of this pool's agents. The agent's own capabilities override variables with the same name.
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

/** An assigned job counts, even if its agent is offline or disabled at the moment: it may be running. */
function vendorAgent(agent: PoolAgent): VendorAgent {
  const { name, status, enabled } = agent;
  const identity = { id: String(agent.id), name };
  if ((agent.assignedRequest ?? null) !== null) return { ...identity, state: "busy" };
  if (status === "offline") return { ...identity, state: "offline", offlineSince: offlineSince(agent) };
  if (status !== "online" || typeof enabled !== "boolean") return { ...identity, state: "busy" };
  return { ...identity, state: enabled ? "idle" : "draining" };
}

/** For an agent that never connected, the time of its last status change may be far in the past. */
function offlineSince({ statusChangedOn, createdOn }: PoolAgent): Date | undefined {
  const times = [statusChangedOn, createdOn].map((time) => Date.parse(time ?? "")).filter(Number.isFinite);
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

/** Azure DevOps answers 400 or 409 while the agent runs a job, and 404 when it is gone. */
function isRefusalOrAbsence(error: unknown): boolean {
  return error instanceof VendorApiError && ["not-found", "conflict", "invalid"].includes(error.kind);
}
