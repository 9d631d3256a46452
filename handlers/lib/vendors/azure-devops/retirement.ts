import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { createPoolApi, type PoolAgent } from "./api.ts";

/**
 * Disabling is the lock: Azure DevOps assigns nothing to a disabled agent. What was assigned before shows when the agent is
 * looked up again, and what even then slipped through makes Azure DevOps refuse the deletion.
 */
export function createAzureDevOpsRetirement(config: AzureDevOpsRuntime, deps: VendorDeps): VendorRetirement {
  const api = createPoolApi(config, deps);

  /** By name, which is unique in a pool: an agent that was replaced has another id. */
  async function find({ name }: AgentReference): Promise<PoolAgent | undefined> {
    const [found] = await api.listAgents(name);
    return found;
  }

  /** Only a list without it proves that an agent is gone: a credential that lost its rights gets the same 404. */
  async function unlessGone(agent: AgentReference, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const absent = error instanceof VendorApiError && error.kind === "not-found";
      if (!absent || (await find(agent))) throw error;
    }
  }

  function setEnabled({ id, name }: PoolAgent, agent: AgentReference, enabled: boolean): Promise<void> {
    return unlessGone(agent, () => api.setEnabled(String(id), name, enabled));
  }

  return {
    async drain(agent) {
      const known = await find(agent);
      if (!known) return "gone";
      await setEnabled(known, agent, false);
      const locked = await find(agent);
      if (!locked) return "gone";
      const proven = locked.id === known.id && locked.enabled === false && (locked.assignedRequest ?? null) === null;
      return proven ? "idle" : "busy";
    },

    async undrain(agent) {
      const known = await find(agent);
      if (known) await setEnabled(known, agent, true);
    },

    async deregister(agent) {
      const known = await find(agent);
      if (!known) return;
      try {
        await unlessGone(agent, () => api.deleteAgent(String(known.id)));
      } catch (error) {
        if (!(error instanceof VendorApiError && error.kind === "invalid")) throw error;
        throw new VendorApiError("conflict", `${agent.name} works after all: ${error.message}`, { cause: error });
      }
    },
  };
}
