import type { VendorRetirement } from "../../core/ports.ts";
import type { SemaphoreRuntime } from "../../settings/vendors/semaphore.ts";
import type { VendorDeps } from "../deps.ts";

/** The script of `agents/semaphore` that makes an agent leave and prints whether it still works. */
const drainScript = "drain";

/**
 * Retires agents of Semaphore. No API call drains them: a script on the instance makes the agent take no more jobs, and
 * an agent that does not leave at once has a job. Semaphore lists no agents, so there is no list to read. `idle`,
 * `busy` and `silent` are the machine's own answers, `gone` means that AWS knows no such instance in the fleet, and silence throws.
 *
 * Retirements come only from a hook, Spot, the agent's own leaving or a surplus floor agent. All other agents leave by
 * themselves. Undraining is never needed, and Semaphore has no way to do it: `undrain` always throws.
 */
export function createSemaphoreRetirement(
  _runtime: SemaphoreRuntime,
  { instances }: Pick<VendorDeps, "instances">,
): VendorRetirement {
  if (instances === undefined) throw new Error("agents of Semaphore can be retired on instances only");
  return {
    async drain({ capacityId }) {
      const answer = await instances.run(capacityId, drainScript);
      if (answer === undefined) return "gone";
      if (answer === "idle" || answer === "busy" || answer === "silent") return answer;
      throw new Error(`${capacityId} answered neither idle nor busy nor silent`);
    },
    undrain: ({ name }) => Promise.reject(new Error(`${name} is already leaving and cannot be undrained`)),
    deregister: () => Promise.resolve(),
  };
}
