import type { Construct } from "constructs";
import { SecurityGroup } from "#provider-aws/security-group";
import { VpcSecurityGroupEgressRule } from "#provider-aws/vpc-security-group-egress-rule";
import { acceptFindings } from "../accepted-findings.ts";

/**
 * A security group without a way in and with every way out, IPv4 and IPv6.
 *
 * @param prefix of the ids of its resources in the scope; may be empty
 */
export function outboundSecurityGroup(
  scope: Construct,
  prefix: string,
  {
    name,
    description,
    vpcId,
    accepted = {},
  }: {
    readonly name: string;
    readonly description: string;
    readonly vpcId: string;
    readonly accepted?: Parameters<typeof acceptFindings>[1];
  },
): string {
  const group = new SecurityGroup(scope, `${prefix}security-group`, { name, description, vpcId, tags: { Name: name } });
  acceptFindings(group, accepted);
  const everyWay = { securityGroupId: group.id, description: "Every way out", ipProtocol: "-1" };
  new VpcSecurityGroupEgressRule(scope, `${prefix}egress`, { ...everyWay, cidrIpv4: "0.0.0.0/0" });
  new VpcSecurityGroupEgressRule(scope, `${prefix}egress-ipv6`, { ...everyWay, cidrIpv6: "::/0" });
  return group.id;
}
