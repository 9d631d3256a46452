import type { Construct } from "constructs";
import { CloudwatchDashboard } from "#provider-aws/cloudwatch-dashboard";
import { type MetricName, metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import type { HandlerFunction } from "../functions/handler-function.ts";
import { type WebhookApi, webhookThrottledMetric } from "../functions/webhook-api.ts";
import { keepName } from "../global-name.ts";
import type { StackContext } from "../stack-context.ts";

interface Widget {
  readonly title: string;
  readonly metrics: readonly (readonly unknown[])[];
  readonly stat: "Maximum" | "Sum" | "Average";
  readonly stacked?: boolean;
}

/** One page per fleet: waiting jobs, agents by state, decisions, errors. */
export function createFleetDashboard(
  scope: Construct,
  props: {
    readonly context: StackContext;
    readonly webhook: WebhookApi | undefined;
    readonly functions: readonly HandlerFunction[];
    readonly logGroup: string;
    /** Names of the pools, each with its own widgets. `undefined`: the fleet is one pool. */
    readonly pools?: readonly string[] | undefined;
    /** Whether On-Demand takes over where Spot has no capacity. */
    readonly hasFallback?: boolean;
  },
): void {
  const { context, webhook, functions, logGroup, pools = [undefined], hasFallback = false } = props;
  const lambda = (metric: string) => functions.map(({ name }) => ["AWS/Lambda", metric, "FunctionName", name]);
  const widgets: Widget[] = [
    ...pools.flatMap((pool) => poolWidgets(context.name, pool, hasFallback)),
    { title: "Function errors", metrics: lambda("Errors"), stat: "Sum" },
    { title: "Function duration (ms)", metrics: lambda("Duration"), stat: "Average" },
    ...(webhook ? [webhookWidget(context.name, webhook)] : []),
  ];
  new CloudwatchDashboard(scope, "dashboard", {
    // All dashboards of an account are global (CloudWatch API Reference, PutDashboard).
    dashboardName: `${context.name}-${context.region}`,
    lifecycle: keepName("dashboard_name"),
    dashboardBody: JSON.stringify({
      widgets: [
        ...widgets.map((widget, index) => metricWidget(widget, index, context.region)),
        {
          type: "log",
          x: 0,
          y: 6 * Math.ceil(widgets.length / 2),
          width: 24,
          height: 6,
          properties: {
            title: "Latest decisions",
            region: context.region,
            view: "table",
            query: `SOURCE '${logGroup}' | filter message = "decision" | fields @timestamp, action, wanted, supply, queued, reason | sort @timestamp desc | limit 50`,
          },
        },
      ],
    }),
  });
}

function webhookWidget(fleet: string, { id }: WebhookApi): Widget {
  const gateway = ["Count", "4xx", "5xx"].map((metric) => ["AWS/ApiGateway", metric, "ApiId", id]);
  return {
    title: "Webhook requests",
    metrics: [...gateway, [metricsNamespace, webhookThrottledMetric, "Fleet", fleet]],
    stat: "Sum",
  };
}

function poolWidgets(fleet: string, pool: string | undefined, hasFallback: boolean): Widget[] {
  const dimensions = ["Fleet", fleet, ...(pool === undefined ? [] : ["Pool", pool])];
  const ours = (...names: MetricName[]) => names.map((name) => [metricsNamespace, name, ...dimensions]);
  const title = (text: string) => (pool === undefined ? text : `${pool}: ${text}`);
  return [
    {
      title: title("Jobs"),
      metrics: ours("JobsQueued", "JobsRunning", "JobsUnmatched", "DemandPartial"),
      stat: "Maximum",
    },
    { title: title("Longest wait (seconds)"), metrics: ours("OldestQueuedSeconds"), stat: "Maximum" },
    {
      title: title("Agents by state"),
      metrics: ours(
        "AgentsOrdered",
        "AgentsStarting",
        "AgentsIdle",
        "AgentsBusy",
        "AgentsUnclear",
        "AgentsUnseen",
        "AgentsRetiring",
        "AgentsOffline",
      ),
      stat: "Maximum",
      stacked: true,
    },
    {
      title: title("Agents wanted"),
      metrics: ours(
        ...(["AgentsWanted", "AgentsOutdated", "AtCeiling", "CircuitOpen", "QueuedWithoutAgents", "Paused"] as const),
        ...(hasFallback ? (["OnDemandFallback"] as const) : []),
      ),
      stat: "Maximum",
    },
    {
      title: title("Decisions"),
      metrics: ours("Launched", "RetirementsStarted", "Retired", "RetirementsAborted"),
      stat: "Sum",
    },
    { title: title("Errors"), metrics: ours("LaunchFailures", "VendorApiErrors", "AgentsSilent"), stat: "Sum" },
    { title: title("Tick (seconds)"), metrics: ours("TickSeconds"), stat: "Maximum" },
  ];
}

function metricWidget({ title, metrics, stat, stacked = false }: Widget, index: number, region: string) {
  return {
    type: "metric",
    x: (index % 2) * 12,
    y: Math.floor(index / 2) * 6,
    width: 12,
    height: 6,
    properties: { title, metrics, stat, stacked, region, period: 60, view: "timeSeries" },
  };
}
