import type { InstanceCommands, VendorRetirement } from "../../handlers/lib/core/ports.ts";
import { createSemaphoreRetirement } from "../../handlers/lib/vendors/semaphore/retirement.ts";
import type { WorldAgent } from "./retirement-world.ts";

/** Semaphore's own retirement half, over commands that reach its instances. */
export function semaphoreRetirementOver(instances: InstanceCommands): VendorRetirement {
  return createSemaphoreRetirement({ type: "semaphore", address: "https://acme.semaphoreci.com" }, { instances });
}

/** Does and prints the same as `drain` of agents/semaphore/boot.sh. An agent that leaves signs off. */
export function drainOnInstance(agent: WorldAgent, works: (agent: WorldAgent) => boolean): string | undefined {
  if (agent.lifecycle === undefined) return undefined;
  if (!agent.running) throw new Error(`${agent.name} did not answer in time`);
  agent.locked = true;
  agent.known = works(agent);
  return agent.known ? "busy" : "idle";
}
