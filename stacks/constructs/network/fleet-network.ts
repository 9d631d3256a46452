import type { Construct } from "constructs";
import type { NetworkConfig } from "../../config/network/network.ts";
import type { StackContext } from "../stack-context.ts";
import { joinNetwork } from "./join-network.ts";
import type { Network } from "./network.ts";
import { outboundSecurityGroup } from "./outbound-security-group.ts";

/** The network of a fleet's agents: subnets with a way out, and security groups without a way in. */
export interface FleetNetwork extends Network {
  readonly securityGroupIds: readonly string[];
}

/**
 * Makes the network of a fleet, or joins the one that the config names.
 *
 * @param agents tasks get their security groups from the loop, at their launch
 */
export function fleetNetwork(
  scope: Construct,
  config: NetworkConfig,
  context: StackContext,
  agents: "tasks" | "instances",
): FleetNetwork {
  const network = joinNetwork(scope, config, context);
  const given = "create" in config ? undefined : config.securityGroupIds;
  if (given) return { ...network, securityGroupIds: given };
  const own = outboundSecurityGroup(scope, "agents-", {
    name: `${context.name}-agents`,
    description: "Agents: no way in, every way out",
    vpcId: network.vpcId,
    accepted: { CKV2_AWS_5: agents === "tasks" && "The loop gives it to each task at its launch." },
  });
  return { ...network, securityGroupIds: [own] };
}
