import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import type { Construct } from "constructs";
import type { NetworkConfig } from "../../config/network/network.ts";
import type { StackContext } from "../stack-context.ts";
import { joinNetwork, type Network } from "./network.ts";

/** Where agents run: subnets with a way out, and security groups without a way in. */
export interface FleetNetwork extends Network {
  readonly securityGroupIds: readonly string[];
}

/** Makes the network of a fleet, or joins the one that the config names. */
export function fleetNetwork(scope: Construct, config: NetworkConfig, context: StackContext): FleetNetwork {
  const network = joinNetwork(scope, config, context);
  const given = "create" in config ? undefined : config.securityGroupIds;
  return { ...network, securityGroupIds: given ?? [agentSecurityGroup(scope, network.vpcId, context)] };
}

function agentSecurityGroup(scope: Construct, vpcId: string, context: StackContext): string {
  const group = new SecurityGroup(scope, "agents-security-group", {
    name: `${context.name}-agents`,
    description: "Agents: no way in, every way out",
    vpcId,
    tags: { Name: `${context.name}-agents` },
  });
  const everyWay = {
    securityGroupId: group.id,
    description: "To the vendor, registries and what jobs manage",
    ipProtocol: "-1",
  };
  new VpcSecurityGroupEgressRule(scope, "agents-egress", { ...everyWay, cidrIpv4: "0.0.0.0/0" });
  new VpcSecurityGroupEgressRule(scope, "agents-egress-ipv6", { ...everyWay, cidrIpv6: "::/0" });
  return group.id;
}
