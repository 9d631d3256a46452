import type { Construct } from "constructs";
import { BaseStack } from "./base-stack.ts";
import type { EcsClusterConfig } from "./config/ecs-cluster.ts";
import { AlarmTopic } from "./constructs/alarms/alarm-topic.ts";
import { alertRules } from "./constructs/cluster/alert-rules.ts";
import { HostCluster } from "./constructs/cluster/cluster.ts";
import { ClusterAlarms } from "./constructs/cluster/cluster-alarms.ts";
import { createClusterDashboard } from "./constructs/cluster/cluster-dashboard.ts";
import { DeployerRoles } from "./constructs/cluster/deployer-role.ts";
import { SharedLoadBalancer } from "./constructs/cluster/load-balancer.ts";
import { ClusterServices } from "./constructs/cluster/services.ts";
import { resourcesIn } from "./constructs/destroy-order.ts";
import { movedFrom } from "./constructs/moved.ts";
import { fleetNetwork } from "./constructs/network/fleet-network.ts";
import { PublishedNetwork } from "./constructs/network/shared-network.ts";
import type { Escaped } from "./constructs/terraform-text.ts";

/** `kind: ecs-cluster`: an ECS cluster on EC2 hosts, and its services. */
export class EcsClusterStack extends BaseStack<Escaped<EcsClusterConfig>> {
  constructor(scope: Construct, name: string, config: Escaped<EcsClusterConfig>) {
    super(scope, name, config);
    const { context, tags } = this;
    const network = fleetNetwork(this, config.network, context, "instances");
    // For fleets on the hosts: their agents use the same network.
    new PublishedNetwork(this, "published", { context, network });
    const cluster = new HostCluster(this, "cluster", { context, config, network, tags });
    const balancer =
      config.loadBalancer &&
      new SharedLoadBalancer(this, "load-balancer", {
        context,
        config: config.loadBalancer,
        network,
        services: config.services,
      });
    const { all } = new ClusterServices(this, "service", {
      context,
      cluster,
      network,
      services: config.services,
      balancer,
    });
    // Keep the name of deployed clusters' topics: a new topic would lose their confirmed subscriptions.
    const alarms = new AlarmTopic(this, "alerts", {
      context,
      ...config.alarms,
      suffix: "alerts",
      alerts: alertRules(cluster),
    });
    movedFrom(alarms, { policy: "aws_sns_topic_policy.alerts_topic-policy_722709C9" });
    new ClusterAlarms(this, "alarms", { context, topic: alarms, cluster, hosts: config.hosts, balancer });
    const dashboardUrl = createClusterDashboard(this, {
      context,
      cluster,
      maxHosts: config.hosts.max,
      services: all.map((service) => service.name),
      balancer,
    });
    const deployers =
      config.deployer &&
      new DeployerRoles(this, "deployer", { context, config: config.deployer, cluster, services: all });

    cluster.destroyBefore(resourcesIn(this));

    this.output("dashboard_url", dashboardUrl);
    this.output("cluster_id", cluster.arn);
    this.output("cluster_name", cluster.name);
    this.output("capacity_provider", cluster.hosts.capacityProvider.name);
    this.output("instance_security_group_id", cluster.hosts.securityGroupId);
    this.output("vpc_id", network.vpcId);
    this.output("alarms_topic_arn", alarms.arn);
    this.output("ecs_deployer_roles", deployers?.arns);
    this.output("private_subnet_ids", network.subnetIds);
    this.output("public_subnet_ids", "create" in config.network ? network.publicSubnetIds() : undefined);
    this.output("alb_security_group_id", balancer?.securityGroupId);
    this.output("alb_dns_name", balancer?.dnsName);
    this.output("alb_listener_arn", balancer?.listenerArn);
    this.output("default_alb_target_group", balancer?.defaultTargetGroupArn);
    this.output(
      "task_roles",
      all.length > 0 ? Object.fromEntries(all.map((each) => [each.name, each.task.taskRole.arn])) : undefined,
    );
  }
}
