import { Construct } from "constructs";
import { AutoscalingGroup } from "#provider-aws/autoscaling-group";
import { EcsCapacityProvider } from "#provider-aws/ecs-capacity-provider";
import { IamInstanceProfile } from "#provider-aws/iam-instance-profile";
import { LaunchTemplate } from "#provider-aws/launch-template";
import { SecurityGroup } from "#provider-aws/security-group";
import type { HostsConfig } from "../../config/cluster/hosts.ts";
import { hostsOf } from "../../config/names.ts";
import { iamName, keepName } from "../global-name.ts";
import { mixedInstances, propagatedTags, rollingRefresh } from "../instances/group-parts.ts";
import { findImage } from "../instances/image.ts";
import { metadataService, networkInterface, rootVolume, tagsOfLaunched } from "../instances/template-parts.ts";
import { createLogGroup, grantLogWrite } from "../log-group.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import type { Escaped } from "../terraform-text.ts";
import { HostReplacement } from "./host-replacement.ts";
import { hostLogGroup, hostLogs, hostUserData } from "./host-user-data.ts";

/** AWS's public parameters with the newest ECS-optimized Amazon Linux 2023 AMI. */
const amiParameters = {
  x86_64: "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id",
  arm64: "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id",
} as const;

/**
 * The EC2 hosts of a cluster: a launch template, an Auto Scaling group, and the capacity provider that scales the group
 * by what tasks need. No host is removed while tasks run on it. Scale-in takes empty hosts only (managed termination
 * protection). Replacement, by a new template or by schedule, drains a host first (managed draining).
 */
export class ClusterHosts extends Construct {
  readonly capacityProvider: EcsCapacityProvider;
  readonly role: ServiceRole;
  readonly groupName: string;
  /** Security group of all hosts, in addition to the network's. It has no rules of its own. */
  readonly securityGroupId: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly hosts: Escaped<HostsConfig>;
      readonly network: FleetNetwork;
      readonly clusterArn: string;
      /** For resources that do not get the provider's default tags. */
      readonly tags: Readonly<Record<string, string>>;
    },
  ) {
    super(scope, id);
    const { context, hosts, network } = props;
    this.role = this.hostRole();
    this.securityGroupId = new SecurityGroup(this, "security-group", {
      name: `${context.name}-hosts`,
      description: "Hosts: no way in but from the load balancer to bridge tasks",
      vpcId: network.vpcId,
      tags: { Name: `${context.name}-hosts` },
    }).id;
    const group = this.group(this.template());
    this.groupName = group.name;
    new HostReplacement(this, "replacement", { context, group, hosts });
    this.capacityProvider = new EcsCapacityProvider(this, "capacity-provider", {
      name: hostsOf(context.name),
      autoScalingGroupProvider: {
        autoScalingGroupArn: group.arn,
        managedDraining: "ENABLED",
        managedTerminationProtection: "ENABLED",
        managedScaling: {
          status: "ENABLED",
          targetCapacity: hosts.targetCapacityPercent,
          minimumScalingStepSize: 1,
          maximumScalingStepSize: Math.min(hosts.max, 100),
          instanceWarmupPeriod: hosts.refresh.warmupSeconds,
        },
      },
    });
  }

  /** The rights that the ECS agent, the CloudWatch agent and Session Manager need on this cluster, and no others. */
  private hostRole(): ServiceRole {
    const { context, clusterArn } = this.props;
    const role = new ServiceRole(this, "host", {
      context,
      service: "ec2.amazonaws.com",
      description: `Hosts of cluster ${context.name}`,
    });
    const containerInstances = arnOf(context, "ecs", `container-instance/${context.name}/*`);
    role.allow({
      actions: [
        "ecs:RegisterContainerInstance",
        "ecs:DeregisterContainerInstance",
        "ecs:SubmitTaskStateChange",
        "ecs:SubmitContainerStateChange",
        "ecs:SubmitAttachmentStateChanges",
      ],
      resources: [clusterArn],
    });
    role.allow({
      actions: ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
      resources: [containerInstances],
      condition: { ArnEquals: { "ecs:cluster": clusterArn } },
    });
    role.allow({
      actions: ["ecs:TagResource"],
      resources: [containerInstances],
      condition: { StringEquals: { "ecs:CreateAction": "RegisterContainerInstance" } },
    });
    role.allow({ actions: ["ssm:UpdateInstanceInformation"], resources: [arnOf(context, "ec2", "instance/*")] });
    role.allow({
      actions: [
        "ecs:DiscoverPollEndpoint",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
      ],
      // AWS allows no resources for these actions.
      resources: ["*"],
    });
    for (const log of Object.keys(hostLogs) as (keyof typeof hostLogs)[]) {
      grantLogWrite(createLogGroup(this, `log-${log}`, context, hostLogGroup(context.name, log)), role);
    }
    return role;
  }

  private template(): LaunchTemplate {
    const { context, hosts, network, tags } = this.props;
    const profile = new IamInstanceProfile(this, "profile", {
      name: iamName(context, "host"),
      lifecycle: keepName(),
      role: this.role.name,
      path: context.iamPath,
    });
    const { amiId, architecture } = hosts;
    const ami = amiId === undefined ? { ssmParameter: amiParameters[architecture] } : { id: amiId };
    const image = findImage(this, ami, { architecture, deviceName: undefined, devicePath: "hosts.amiId" });
    return new LaunchTemplate(this, "template", {
      name: `${context.name}-hosts`,
      description: `Hosts of cluster ${context.name}`,
      imageId: image.id,
      userData: hostUserData(context.name, hosts),
      iamInstanceProfile: { arn: profile.arn },
      // One hop: a bridge task is one hop further away and cannot reach the host's credentials.
      metadataOptions: metadataService(1),
      networkInterfaces: [networkInterface(network, [this.securityGroupId])],
      blockDeviceMappings: [rootVolume(context, image.rootDevice, hosts.volume)],
      monitoring: { enabled: false },
      tagSpecifications: tagsOfLaunched({ ...tags, Name: `${context.name}-host` }),
    });
  }

  private group(template: LaunchTemplate): AutoscalingGroup {
    const { context, hosts, network, tags } = this.props;
    const { refresh } = hosts;
    return new AutoscalingGroup(this, "group", {
      name: `${context.name}-hosts`,
      minSize: hosts.min,
      maxSize: hosts.max,
      vpcZoneIdentifier: network.subnetIds,
      // Managed termination protection needs new hosts protected. ECS lifts the protection from hosts without tasks.
      protectFromScaleIn: true,
      suspendedProcesses: ["AZRebalance"],
      // For alarm and dashboard; AWS takes no money for them.
      enabledMetrics: ["GroupDesiredCapacity", "GroupInServiceInstances"],
      capacityRebalance: hosts.spotPercent > 0,
      mixedInstancesPolicy: mixedInstances({ id: template.id, version: `\${${template.fqn}.latest_version}` }, hosts),
      // All hosts are protected from scale-in. Without this preference a refresh would wait for ever.
      instanceRefresh: rollingRefresh(refresh, refresh.warmupSeconds, { scaleInProtectedInstances: "Refresh" }),
      waitForCapacityTimeout: "0",
      forceDelete: true,
      // Otherwise the first hosts could boot without rights.
      dependsOn: this.role.ready,
      // ECS adds this tag to the group. If it were not declared here, every plan would remove it.
      tag: propagatedTags({ ...tags, Name: `${context.name}-host`, AmazonECSManaged: "true" }),
    });
  }
}
