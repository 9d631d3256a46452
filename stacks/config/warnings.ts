import type { Explanation } from "./explain.ts";
import type { StackConfig } from "./schema.ts";

const tfcAgentMinimumMiB = 2048;

/** What is allowed but most likely not what its author wants. */
export function warningsOf(config: StackConfig): Explanation[] {
  const { agents, compute, network, secrets, vendor } = config;
  return [
    compute.memoryMiB < tfcAgentMinimumMiB &&
      warn(
        ["compute", "memoryMiB"],
        `${compute.memoryMiB} is below tfc-agent's documented minimum of ${tfcAgentMinimumMiB}: jobs may be killed for want of memory`,
      ),
    "create" in network &&
      agents.max > addressesIn(network.create) &&
      warn(
        ["network", "create", "cidr"],
        `has room for ${addressesIn(network.create)} agents, fewer than agents.max (${agents.max}): take a larger range`,
      ),
    !agents.singleUse &&
      agents.idleTimeoutSeconds === 0 &&
      warn(
        ["agents", "idleTimeoutSeconds"],
        "is 0 while agents are not single-use: they leave only at maxLifetimeSeconds",
      ),
    vendor.demand === "notifications" &&
      secrets.apiToken !== undefined &&
      warn(["secrets", "apiToken"], "is not used: with demand `notifications` nothing reads the API"),
    vendor.demand === "notifications" &&
      agents.min + agents.buffer === 0 &&
      !vendor.manage?.runTask?.stages.includes("pre_apply") &&
      warn(
        ["agents", "min"],
        "is 0 with demand `notifications`: no notification tells that an apply was confirmed, so keep an agent for it " +
          "or let vendor.manage.runTask tell before applies",
      ),
  ].filter((warning) => warning !== false);
}

function warn(path: readonly string[], message: string): Explanation {
  return { path, message, about: "key" };
}

/** Each zone's subnet is a sixteenth of the VPC, in which AWS keeps five addresses. */
function addressesIn({ cidr, availabilityZones }: { cidr: string; availabilityZones: number }): number {
  const prefix = Number(cidr.split("/")[1]);
  return (2 ** (32 - prefix - 4) - 5) * availabilityZones;
}
