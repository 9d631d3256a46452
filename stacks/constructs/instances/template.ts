import { Construct } from "constructs";
import { LaunchTemplate } from "#provider-aws/launch-template";
import { SecurityGroup } from "#provider-aws/security-group";
import { VpcSecurityGroupIngressRule } from "#provider-aws/vpc-security-group-ingress-rule";
import type { Ec2ComputeConfig } from "../../config/compute/ec2-compute.ts";
import { isMetadataTag } from "../../config/compute/own-tags.ts";
import { acceptFindings } from "../accepted-findings.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { StackContext } from "../stack-context.ts";
import { findImage } from "./image.ts";
import { metadataService, networkInterface, rootVolume, tagsOfLaunched } from "./template-parts.ts";

/** The launch template of a fleet's instances. */
export class InstanceTemplate extends Construct {
  readonly id: string;
  /** The newest version, as a Terraform expression. */
  readonly version: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly compute: Ec2ComputeConfig;
      readonly network: FleetNetwork;
      readonly ami: NonNullable<Ec2ComputeConfig["ami"]>;
      readonly profileArn: string;
      /** In base64, as EC2 takes it. */
      readonly userData: string;
      /** For resources that do not get the provider's default tags. */
      readonly tags: Readonly<Record<string, string>>;
    },
  ) {
    super(scope, id);
    const { context, compute, network, tags } = props;
    const { volume, ssh, tenancy, placementGroup } = compute;
    const image = findImage(this, props.ami, {
      architecture: compute.architecture,
      deviceName: volume.deviceName,
      devicePath: "compute.volume.deviceName",
    });
    const template = new LaunchTemplate(this, "template", {
      name: context.name,
      description: `Instances of fleet ${context.name}`,
      imageId: image.id,
      // A warm pool supports one type only, and takes it from here.
      instanceType: compute.warmPool && "types" in compute.instances ? compute.instances.types[0] : undefined,
      userData: props.userData,
      keyName: ssh?.keyName,
      iamInstanceProfile: { arn: props.profileArn },
      // An instance that powers off is terminated, and its group replaces it.
      instanceInitiatedShutdownBehavior: "terminate",
      metadataOptions: {
        ...metadataService(compute.disableContainerCredentials ? 1 : 2),
        instanceMetadataTags: Object.keys(tags).every(isMetadataTag) ? "enabled" : "disabled",
      },
      networkInterfaces: [
        {
          ...networkInterface(network, ssh ? [this.sshGroup(ssh)] : []),
          ipv6AddressCount: compute.ipv6 ? 1 : undefined,
        },
      ],
      blockDeviceMappings: [rootVolume(context, image.rootDevice, volume)],
      placement:
        tenancy === "default" && placementGroup === undefined
          ? undefined
          : { tenancy, ...(placementGroup !== undefined && { groupName: placementGroup }) },
      hibernationOptions: compute.warmPool?.state === "hibernated" ? { configured: true } : undefined,
      monitoring: { enabled: compute.detailedMonitoring },
      tagSpecifications: tagsOfLaunched({ ...tags, Name: context.name }),
    });
    acceptFindings(template, {
      CKV_AWS_341:
        !compute.disableContainerCredentials && "The config lets containers of a job use the instance's role.",
    });
    this.id = template.id;
    this.version = `\${${template.fqn}.latest_version}`;
  }

  private sshGroup({ cidrs }: NonNullable<Ec2ComputeConfig["ssh"]>): string {
    const { context, network } = this.props;
    const group = new SecurityGroup(this, "ssh", {
      name: `${context.name}-ssh`,
      description: "SSH from named ranges",
      vpcId: network.vpcId,
      tags: { Name: `${context.name}-ssh` },
    });
    cidrs.forEach((cidr, index) => {
      new VpcSecurityGroupIngressRule(this, `ssh-${index}`, {
        securityGroupId: group.id,
        description: "SSH",
        ipProtocol: "tcp",
        fromPort: 22,
        toPort: 22,
        ...(cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr }),
      });
    });
    return group.id;
  }
}
