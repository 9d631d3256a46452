import type { Construct } from "constructs";
import { Fn } from "#cdktf";
import type { NetworkConfig } from "../../config/network/network.ts";
import type { StackContext } from "../stack-context.ts";
import type { Network } from "./network.ts";
import { SharedNetwork } from "./shared-network.ts";
import { Vpc } from "./vpc.ts";

/** Makes the network of a stack, or joins the one that its config names. */
export function joinNetwork(scope: Construct, config: NetworkConfig, context: StackContext): Network {
  if ("stack" in config) return sharedNetwork(new SharedNetwork(scope, "network", config.stack));
  if ("vpcId" in config) return network(config.vpcId, config.subnetIds, config.assignPublicIp);
  const vpc = new Vpc(scope, "network", { config: config.create, context });
  return network(vpc.id, vpc.agentSubnetIds, vpc.assignPublicIp, vpc.publicSubnetIds);
}

function network(
  vpcId: string,
  subnetIds: readonly string[],
  assignPublicIp: boolean,
  publicSubnetIds: readonly string[] = [],
): Network {
  return {
    vpcId,
    subnetIds: [...subnetIds],
    joinedSubnetIds: subnetIds.join(","),
    assignPublicIp: String(assignPublicIp),
    publicSubnetIds: () => (publicSubnetIds.length > 0 ? [...publicSubnetIds] : undefined),
  };
}

function sharedNetwork(shared: SharedNetwork): Network {
  const joinedSubnetIds = shared.read("agent-subnet-ids");
  return {
    vpcId: shared.read("vpc-id"),
    subnetIds: Fn.split(",", joinedSubnetIds),
    joinedSubnetIds,
    assignPublicIp: shared.read("assign-public-ip"),
    publicSubnetIds: () => Fn.split(",", shared.read("public-subnet-ids")),
  };
}
