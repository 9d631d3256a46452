import type { VendorRetirement } from "../../core/ports.ts";
import type { SemaphoreRuntime } from "../../settings/vendors/semaphore.ts";
import type { VendorDeps } from "../deps.ts";

/** The script of `agents/semaphore` that tells an agent to leave and says whether it still works. */
const drainScript = "drain";

/**
 * How agents of Semaphore are retired. No API call drains them: a script on the instance tells the agent to take no more
 * jobs, and an agent that does not leave at once has one. Semaphore lists no agents, so nothing is ever read from a list:
 * `idle` and `busy` are the machine's own words, `gone` is AWS's that the fleet has no such instance, and silence throws.
 *
 * Only what cannot be helped retires them (a hook, Spot, their own leaving, a floor agent too many), for all others leave by
 * themselves when they are surplus. So nothing is ever to be undone, which is well, because an agent that was told to leave cannot be kept:
 * `undrain` always throws.
 */
export function createSemaphoreRetirement(
  _runtime: SemaphoreRuntime,
  { instances }: Pick<VendorDeps, "instances">,
): VendorRetirement {
  if (instances === undefined) throw new Error("agents of Semaphore are retired on instances only");
  return {
    async drain({ capacityId }) {
      const answer = await instances.run(capacityId, drainScript);
      if (answer === undefined) return "gone";
      if (answer === "idle" || answer === "busy") return answer;
      throw new Error(`${capacityId} answered neither idle nor busy`);
    },
    undrain: ({ name }) => Promise.reject(new Error(`${name} was told to leave and cannot be kept`)),
    deregister: () => Promise.resolve(),
  };
}
