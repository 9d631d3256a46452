import { DataAwsSubnet } from "@cdktf/provider-aws/lib/data-aws-subnet";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import type { Construct } from "constructs";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import type { StackContext } from "../stack-context.ts";

/** The security groups of instances that build an image: the given ones, or one without a way in. */
export function imageBuildSecurityGroups(
  scope: Construct,
  { subnetId, securityGroupIds }: NonNullable<MachineImageConfig["network"]>,
  context: StackContext,
): string[] {
  if (securityGroupIds) return [...securityGroupIds];
  const name = `${context.name}-image-build`;
  const group = new SecurityGroup(scope, "security-group", {
    name,
    description: "Builds of images: no way in, every way out",
    vpcId: new DataAwsSubnet(scope, "subnet", { id: subnetId }).vpcId,
    tags: { Name: name },
  });
  new VpcSecurityGroupEgressRule(scope, "egress", {
    securityGroupId: group.id,
    description: "To AWS and whatever is downloaded",
    ipProtocol: "-1",
    cidrIpv4: "0.0.0.0/0",
  });
  return [group.id];
}
