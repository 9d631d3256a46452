import { Construct } from "constructs";
import type { TerraformResource } from "#cdktf";
import { AppautoscalingPolicy } from "#provider-aws/appautoscaling-policy";
import { AppautoscalingTarget } from "#provider-aws/appautoscaling-target";
import { EcsCluster } from "#provider-aws/ecs-cluster";
import { EcsClusterCapacityProviders } from "#provider-aws/ecs-cluster-capacity-providers";
import { EcsService } from "#provider-aws/ecs-service";
import type { EcsClusterConfig } from "../../config/ecs-cluster.ts";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import { destroyBefore } from "../destroy-order.ts";
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
    acceptFindings(cluster, {
      CKV_AWS_65: config.containerInsights === "disabled" && "AWS charges for it. The config can turn it on.",
      CKV_AWS_224: !context.kmsKeyArn && withoutKey,
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

  /**
   * Makes Terraform destroy what tasks need, host or network, only after ECS has taken the capacity provider away. It
   * does not while a task uses it, and every fleet's agents on the hosts do. Services go before.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PutClusterCapacityProviders.html
   */
  destroyBefore(all: readonly TerraformResource[]): void {
    const onServices = [EcsService, AppautoscalingTarget, AppautoscalingPolicy];
    const needed = all.filter((each) => !onServices.some((kind) => each instanceof kind));
    destroyBefore(this.ready, needed);
  }

  /** Lets the ECS Exec sessions of a task write their log. */
  grantSessionLog(role: ServiceRole): void {
    allowSessions(role, { logGroupArn: this.sessionLogArn, keyArn: this.context.kmsKeyArn });
  }
}
