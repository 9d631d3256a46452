import { DataAwsSubnet } from "@cdktf/provider-aws/lib/data-aws-subnet";
import type { Construct } from "constructs";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { outboundSecurityGroup } from "../network/outbound-security-group.ts";
import type { StackContext } from "../stack-context.ts";

/** The security groups of instances that build an image: the given ones, or one without a way in. */
export function imageBuildSecurityGroups(
  scope: Construct,
  { subnetId, securityGroupIds }: NonNullable<MachineImageConfig["network"]>,
  context: StackContext,
): string[] {
  if (securityGroupIds) return [...securityGroupIds];
  const own = outboundSecurityGroup(scope, "", {
    name: `${context.name}-image-build`,
    description: "Builds of images: no way in, every way out",
    vpcId: new DataAwsSubnet(scope, "subnet", { id: subnetId }).vpcId,
  });
  return [own];
}
