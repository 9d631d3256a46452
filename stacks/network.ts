import type { Construct } from "constructs";
import { BaseStack } from "./base-stack.ts";
import type { NetworkStackConfig } from "./config/network-stack.ts";
import { PublishedNetwork } from "./constructs/network/shared-network.ts";
import { Vpc } from "./constructs/network/vpc.ts";
import type { Escaped } from "./constructs/terraform-text.ts";

/** `kind: network`: a VPC, and the parameters with which other stacks share it. */
export class NetworkStack extends BaseStack<Escaped<NetworkStackConfig>> {
  constructor(scope: Construct, name: string, config: Escaped<NetworkStackConfig>) {
    super(scope, name, config);
    const { context } = this;
    const vpc = new Vpc(this, "network", { config, context });
    new PublishedNetwork(this, "published", {
      context,
      network: {
        vpcId: vpc.id,
        joinedSubnetIds: vpc.agentSubnetIds.join(","),
        assignPublicIp: String(vpc.assignPublicIp),
      },
      made: { cidr: config.cidr, publicSubnetIds: vpc.publicSubnetIds, privateSubnetIds: vpc.privateSubnetIds },
    });
    this.output("vpc_id", vpc.id);
    this.output("vpc_cidr", config.cidr);
    this.output("public_subnet_ids", vpc.publicSubnetIds);
    this.output("private_subnet_ids", vpc.privateSubnetIds);
    this.output("agent_subnet_ids", vpc.agentSubnetIds);
    this.output("nat_public_ips", vpc.natPublicIps);
  }
}
