import { Construct } from "constructs";
import { type AlarmProps, createAlarm } from "../alarms/alarm.ts";
import type { AlarmTopic } from "../alarms/alarm-topic.ts";
import type { StackContext } from "../stack-context.ts";
import type { HostCluster } from "./cluster.ts";
import type { SharedLoadBalancer } from "./load-balancer.ts";

const quarter = { periodSeconds: 300, periods: 3, missingData: "notBreaching" } as const;

/** The metrics of a cluster's parts, as AWS publishes them. */
export function clusterMetrics({ name, hosts }: HostCluster) {
  return {
    /**
     * "(number of instances needed) / (number of running instances) x 100" (ECS Developer Guide, "Automatically manage
     * Amazon ECS capacity with cluster auto scaling").
     */
    reservation: {
      namespace: "AWS/ECS/ManagedScaling",
      metric: "CapacityProviderReservation",
      dimensions: { CapacityProviderName: hosts.capacityProvider.name, ClusterName: name },
    },
    group: { namespace: "AWS/AutoScaling", dimensions: { AutoScalingGroupName: hosts.groupName } },
  };
}

/** The alarms of a cluster: its hosts and, if it has one, its load balancer. */
export class ClusterAlarms extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly topic: AlarmTopic;
      readonly cluster: HostCluster;
      readonly hosts: { readonly min: number; readonly max: number };
      readonly balancer: SharedLoadBalancer | undefined;
    },
  ) {
    super(scope, id);
    const { context, topic, cluster, hosts, balancer } = props;
    const { reservation, group } = clusterMetrics(cluster);
    const alarm = (rest: Omit<AlarmProps, "context" | "topic">) => createAlarm(this, { ...rest, context, topic });
    alarm({
      ...reservation,
      ...quarter,
      name: "tasks-waiting",
      impact: "For 15 minutes tasks have needed more hosts than run. Tasks may wait for room.",
      statistic: "Minimum",
      comparison: "GreaterThanThreshold",
      threshold: 100,
    });
    // A cluster of a fixed size is always at its limit.
    if (hosts.min < hosts.max) {
      alarm({
        ...group,
        ...quarter,
        name: "hosts-at-max",
        impact: "For 15 minutes the cluster has asked for hosts.max hosts. More tasks may find no room.",
        metric: "GroupDesiredCapacity",
        statistic: "Minimum",
        comparison: "GreaterThanOrEqualToThreshold",
        threshold: hosts.max,
      });
    }
    if (!balancer) return;
    const balancerOnly = { LoadBalancer: balancer.arnSuffix };
    // Counts what the balancer itself answers, not its targets (User Guide for Application Load Balancers, "CloudWatch
    // metrics").
    alarm({
      namespace: "AWS/ApplicationELB",
      dimensions: balancerOnly,
      name: "load-balancer-failing",
      impact:
        "The load balancer itself answered at least ten requests with 5xx within five minutes. Services may be out of " +
        "reach.",
      metric: "HTTPCode_ELB_5XX_Count",
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 10,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
    for (const [service, { arnSuffix }] of balancer.targets) {
      alarm({
        ...quarter,
        namespace: "AWS/ApplicationELB",
        dimensions: { ...balancerOnly, TargetGroup: arnSuffix },
        name: "targets-unhealthy",
        pool: service,
        impact: `For 15 minutes tasks of service ${service} have failed the load balancer's health checks. Others may carry the load.`,
        metric: "UnHealthyHostCount",
        statistic: "Minimum",
        comparison: "GreaterThanOrEqualToThreshold",
        threshold: 1,
      });
    }
  }
}
