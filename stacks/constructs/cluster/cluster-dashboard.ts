import type { Construct } from "constructs";
import { CloudwatchDashboard } from "#provider-aws/cloudwatch-dashboard";
import { alarmsIn } from "../alarms/alarm.ts";
import { dashboardPage, logGroupPage } from "../alarms/console.ts";
import { alarmStates, dashboardBody, type Graph, graph, type Line, text } from "../alarms/widgets.ts";
import { keepName } from "../global-name.ts";
import { logGroupName } from "../log-group.ts";
import type { StackContext } from "../stack-context.ts";
import type { HostCluster } from "./cluster.ts";
import { clusterMetrics } from "./cluster-alarms.ts";
import type { SharedLoadBalancer } from "./load-balancer.ts";

/**
 * One page per cluster: its alarms, room on the hosts, the services, and the load balancer if it has one.
 *
 * @returns the URL of the page
 */
export function createClusterDashboard(
  scope: Construct,
  shown: {
    readonly context: StackContext;
    readonly cluster: HostCluster;
    readonly maxHosts: number;
    /** Names of the services. */
    readonly services: readonly string[];
    readonly balancer: SharedLoadBalancer | undefined;
  },
): string {
  const { context, services, balancer } = shown;
  const logs = services.map((service) => {
    const group = logGroupName(context.name, "services", service);
    return `[${service}](${logGroupPage(context.region, group)})`;
  });
  const dashboard = new CloudwatchDashboard(scope, "dashboard", {
    dashboardName: `${context.name}-${context.region}`,
    lifecycle: keepName("dashboard_name"),
    dashboardBody: dashboardBody([
      text(
        `# Cluster ${context.name}\n${logs.length > 0 ? `Logs: ${logs.join(" · ")}. ` : ""}Each alarm's description says what to do.`,
      ),
      alarmStates("Alarms of the cluster", alarmsIn(scope)),
      ...[...hostGraphs(shown), ...(balancer ? balancerGraphs(balancer) : [])].map((each) =>
        graph(context.region, { ...each, width: 12 }),
      ),
    ]),
  });
  return dashboardPage(context.region, dashboard.dashboardName);
}

type ClusterGraph = Omit<Graph, "width">;

function hostGraphs({ cluster, services, maxHosts }: Parameters<typeof createClusterDashboard>[1]): ClusterGraph[] {
  const { reservation, group } = clusterMetrics(cluster);
  const flat = (dimensions: Readonly<Record<string, string>>) => Object.entries(dimensions).flat();
  const use = (metric: string): Line[] =>
    services.map((service) => ["AWS/ECS", metric, "ClusterName", cluster.name, "ServiceName", service]);
  const forServices: ClusterGraph[] =
    services.length > 0
      ? [
          { title: "Services: CPU (%)", stat: "Average", lines: use("CPUUtilization") },
          { title: "Services: memory (%)", stat: "Average", lines: use("MemoryUtilization") },
        ]
      : [];
  return [
    {
      title: "Hosts and limit",
      stat: "Maximum",
      limit: { label: "hosts.max", value: maxHosts },
      lines: ["GroupDesiredCapacity", "GroupInServiceInstances"].map((metric) => [
        group.namespace,
        metric,
        ...flat(group.dimensions),
      ]),
    },
    {
      title: "Hosts needed, in percent of those that run, and what tasks reserve of them",
      stat: "Maximum",
      limit: { label: "tasks wait for room above this", value: 100 },
      lines: [
        [reservation.namespace, reservation.metric, ...flat(reservation.dimensions)],
        ...["CPUReservation", "MemoryReservation"].map((metric) => ["AWS/ECS", metric, "ClusterName", cluster.name]),
      ],
    },
    ...forServices,
  ];
}

function balancerGraphs({ arnSuffix, targets }: SharedLoadBalancer): ClusterGraph[] {
  const line = (metric: string, ...more: unknown[]): Line => [
    "AWS/ApplicationELB",
    metric,
    "LoadBalancer",
    arnSuffix,
    ...more,
  ];
  return [
    {
      title: "Requests and errors",
      stat: "Sum",
      lines: ["RequestCount", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count", "HTTPCode_Target_4XX_Count"].map(
        (metric) => line(metric),
      ),
    },
    {
      title: "Answers of the services (seconds)",
      stat: "Average",
      lines: ["p50", "p95"].map((stat) => line("TargetResponseTime", { stat, label: stat })),
    },
    {
      title: "Healthy and unhealthy targets",
      stat: "Maximum",
      lines: [...targets].flatMap(([service, target]) =>
        (["HealthyHostCount", "UnHealthyHostCount"] as const).map((metric) =>
          line(metric, "TargetGroup", target.arnSuffix, { label: `${service} ${metric}` }),
        ),
      ),
    },
  ].filter(({ lines }) => lines.length > 0) as ClusterGraph[];
}
