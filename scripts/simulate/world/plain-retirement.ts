import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { VendorRetirement } from "../../../handlers/lib/core/ports.ts";
import type { WorldAgent } from "./model.ts";
import type { TaskVendorOptions } from "./task-vendor.ts";

/**
 * The retirement half of a vendor whose answers are always right and never late, behind the port: it locks, says
 * whether the agent works, and refuses to delete one that does. As Azure DevOps does, by its own contract.
 */
export function plainRetirementOf({
  agents,
  wire,
  onUnlocked,
  onDeleted,
}: Pick<TaskVendorOptions, "agents" | "wire" | "onUnlocked" | "onDeleted">): VendorRetirement {
  const down = () => new VendorApiError("unavailable", "down");
  const find = (name: string): WorldAgent | undefined => [...agents].find((agent) => agent.name === name);
  return {
    drain: ({ name }) =>
      wire(() => {
        const agent = find(name);
        if (!agent || agent.state === "unregistered") return "unseen";
        if (agent.state === "gone") return "gone";
        agent.locked = true;
        return agent.state === "idle" ? "idle" : "busy";
      }, down),
    undrain: ({ name }) =>
      wire(() => {
        const agent = find(name);
        if (!agent) return;
        agent.locked = false;
        onUnlocked(agent);
      }, down),
    deregister: ({ name }) =>
      wire(() => {
        const agent = find(name);
        if (agent?.state === "busy") throw new VendorApiError("conflict", "the agent works");
        if (agent) onDeleted(agent);
      }, down),
  };
}
