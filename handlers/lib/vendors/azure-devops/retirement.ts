import { VendorApiError } from "../../core/errors.ts";
import type { AgentReference, VendorRetirement } from "../../core/ports.ts";
import type { AzureDevOpsRuntime } from "../../settings/vendors/azure-devops.ts";
import type { VendorDeps } from "../deps.ts";
import { createPoolApi, isSameName, type PoolAgent } from "./api.ts";

/**
 * Disabling is the lock: Azure DevOps assigns nothing to a disabled agent. A second look-up of the agent shows earlier
 * assignments. Both answers may be late, so the deletion is the last proof: Azure DevOps refuses to delete an agent
 * that runs a job.
 *
 * Absence proves little. An agent that is only missing in the list is `unseen`. It is `gone` if its own id has no
 * record any more, because somebody deleted it. Azure DevOps then gives it no more jobs, but its process may still run.
 */
export function createAzureDevOpsRetirement(config: AzureDevOpsRuntime, deps: VendorDeps): VendorRetirement {
  const api = createPoolApi(config, deps);

  /** Finds it by name, which is unique in a pool, because a replaced agent has another id. Else by its last id. */
  async function find({ name, vendorId }: AgentReference): Promise<PoolAgent | "gone" | undefined> {
    const [listed] = await api.listAgents(name);
    if (listed !== undefined || vendorId === undefined) return listed;
    const found = await api.findAgent(vendorId);
    if (found === undefined) return "gone";
    return isSameName(found.name, name) ? found : undefined;
  }

  /** A deleted record is no error. An invisible pool is an error, and so is an agent that still exists. */
  async function unlessGone({ id }: PoolAgent, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const absent = error instanceof VendorApiError && error.kind === "not-found";
      if (!absent || (await api.findAgent(String(id)))) throw error;
    }
  }

  function setEnabled(agent: PoolAgent, enabled: boolean): Promise<void> {
    return unlessGone(agent, () => api.setEnabled(String(agent.id), agent.name, enabled));
  }

  return {
    async drain(agent) {
      const known = await find(agent);
      if (known === undefined || known === "gone") return known ?? "unseen";
      await setEnabled(known, false);
      const locked = await find({ ...agent, vendorId: String(known.id) });
      if (locked === undefined || locked === "gone") return locked ?? "unseen";
      const proven = locked.id === known.id && locked.enabled === false && (locked.assignedRequest ?? null) === null;
      return proven ? "idle" : "busy";
    },

    async undrain(agent) {
      const known = await find(agent);
      if (typeof known === "object") await setEnabled(known, true);
    },

    async deregister(agent) {
      const known = await find(agent);
      if (typeof known !== "object") return;
      try {
        await unlessGone(known, () => api.deleteAgent(String(known.id)));
      } catch (error) {
        if (!(error instanceof VendorApiError && error.kind === "invalid")) throw error;
        throw new VendorApiError("conflict", `${agent.name} works after all: ${error.message}`, { cause: error });
      }
    },
  };
}
