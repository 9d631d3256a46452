import { EcsCluster } from "@cdktf/provider-aws/lib/ecs-cluster";
import { EcsClusterCapacityProviders } from "@cdktf/provider-aws/lib/ecs-cluster-capacity-providers";
import { Construct } from "constructs";
import type { EcsClusterConfig } from "../../config/ecs-cluster.ts";
import { createLogGroup } from "../log-group.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { ServiceRole } from "../service-role.ts";
import { allowSessions, publishSessionKey, sessionLogGroup } from "../sessions.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import type { Escaped } from "../terraform-text.ts";
import { ClusterHosts } from "./hosts.ts";

/** An ECS cluster whose own EC2 hosts are its default capacity. It logs ECS Exec sessions. */
export class HostCluster extends Construct {
  readonly arn: string;
  readonly name: string;
  /** What the ARNs of all services in it begin with. */
  readonly serviceArnPrefix: string;
  readonly hosts: ClusterHosts;
  /** The resource that must exist before ECS can place tasks. */
  readonly ready: EcsClusterCapacityProviders;
  private readonly context: StackContext;
  private readonly sessionLogArn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly config: Escaped<EcsClusterConfig>;
      readonly network: FleetNetwork;
      readonly tags: Readonly<Record<string, string>>;
    },
  ) {
    super(scope, id);
    const { context, config, network, tags } = props;
    const sessions = createLogGroup(this, "exec-log", context, sessionLogGroup(context.name));
    publishSessionKey(this, context);
    const cluster = new EcsCluster(this, "cluster", {
      name: context.name,
      setting: [{ name: "containerInsights", value: config.containerInsights }],
      configuration: {
        executeCommandConfiguration: {
          kmsKeyId: context.kmsKeyArn,
          logging: "OVERRIDE",
          logConfiguration: {
            cloudWatchLogGroupName: sessions.name,
            cloudWatchEncryptionEnabled: context.kmsKeyArn !== undefined,
          },
        },
      },
    });
    this.context = context;
    this.sessionLogArn = sessions.arn;
    this.arn = cluster.arn;
    this.name = context.name;
    this.serviceArnPrefix = arnOf(context, "ecs", `service/${this.name}/`);
    this.hosts = new ClusterHosts(this, "hosts", {
      context,
      hosts: config.hosts,
      network,
      clusterArn: cluster.arn,
      tags,
    });
    const capacityProvider = this.hosts.capacityProvider.name;
    this.ready = new EcsClusterCapacityProviders(this, "capacity-providers", {
      clusterName: cluster.name,
      capacityProviders: [capacityProvider],
      defaultCapacityProviderStrategy: [{ capacityProvider, weight: 1 }],
    });
  }

  /** Lets the ECS Exec sessions of a task write their log. */
  grantSessionLog(role: ServiceRole): void {
    allowSessions(role, { logGroupArn: this.sessionLogArn, keyArn: this.context.kmsKeyArn });
  }
}
