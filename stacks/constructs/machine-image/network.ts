import type { Construct } from "constructs";
import { Fn, Token } from "#cdktf";
import { DataAwsSubnet } from "#provider-aws/data-aws-subnet";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { outboundSecurityGroup } from "../network/outbound-security-group.ts";
import { SharedNetwork } from "../network/shared-network.ts";
import type { StackContext } from "../stack-context.ts";

/** The place of the building instances: a subnet, and the given security groups or one without a way in. */
export function imageBuildPlace(
  scope: Construct,
  config: NonNullable<MachineImageConfig["network"]>,
  context: StackContext,
): { readonly subnetId: string; readonly securityGroupIds: string[] } {
  const subnetId =
    "stack" in config ? firstSubnetOf(new SharedNetwork(scope, "network", config.stack)) : config.subnetId;
  const own = () =>
    outboundSecurityGroup(scope, "", {
      name: `${context.name}-image-build`,
      description: "Builds of images: no way in, every way out",
      vpcId: new DataAwsSubnet(scope, "subnet", { id: subnetId }).vpcId,
    });
  return { subnetId, securityGroupIds: config.securityGroupIds ? [...config.securityGroupIds] : [own()] };
}

function firstSubnetOf(network: SharedNetwork): string {
  return Token.asString(Fn.element(Fn.split(",", network.read("agent-subnet-ids")), 0));
}
