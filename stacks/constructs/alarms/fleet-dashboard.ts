import type { Construct } from "constructs";
import { CloudwatchDashboard } from "#provider-aws/cloudwatch-dashboard";
import { metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import type { HandlerFunction } from "../functions/handler-function.ts";
import { type WebhookApi, webhookThrottledMetric } from "../functions/webhook-api.ts";
import { keepName } from "../global-name.ts";
import type { StackContext } from "../stack-context.ts";
import { dashboardPage, logGroupPage } from "./console.ts";
import { imageWidgets, poolWidgets, type ShownPool } from "./pool-widgets.ts";
import { alarmStates, dashboardBody, graph, logTable, text, type Widget } from "./widgets.ts";

/** What a fleet's dashboard shows. */
interface ShownFleet {
  readonly context: StackContext;
  readonly webhook: WebhookApi | undefined;
  readonly autoscale: HandlerFunction;
  readonly retirement: readonly HandlerFunction[];
  readonly webhookFunction: HandlerFunction | undefined;
  /** Names of the queues that should be empty. */
  readonly deadLetterQueues: readonly string[];
  readonly queueWaitSeconds: number;
  readonly runbookUrl: string | undefined;
  /** The alarms that belong to no pool. */
  readonly alarms: readonly { readonly arn: string }[];
  readonly pools: readonly ShownPool[];
  /** Whether On-Demand takes over where Spot has no capacity. */
  readonly hasFallback: boolean;
}

/**
 * One page per fleet, by what an operator asks in an incident: the fleet's alarms, then each pool, then the decisions with
 * their reasons, failed launches, retirements, and the fleet's own machinery.
 *
 * @returns the URL of the page
 */
export function createFleetDashboard(scope: Construct, fleet: ShownFleet): string {
  const { context, pools, hasFallback, queueWaitSeconds } = fleet;
  const { name, region } = context;
  const dashboard = new CloudwatchDashboard(scope, "dashboard", {
    // All dashboards of an account are global (CloudWatch API Reference, PutDashboard).
    dashboardName: `${name}-${region}`,
    lifecycle: keepName("dashboard_name"),
    dashboardBody: dashboardBody([
      text(linksOf(fleet)),
      alarmStates("Alarms of the fleet", fleet.alarms),
      ...pools.flatMap((pool) => poolWidgets({ name, region, queueWaitSeconds }, pool, { hasFallback })),
      ...imageWidgets({ name, region }, pools),
      ...logWidgets(fleet),
      ...machineryWidgets(fleet),
    ]),
  });
  return dashboardPage(region, dashboard.dashboardName);
}

function functionsOf({ autoscale, webhookFunction, retirement }: ShownFleet): readonly HandlerFunction[] {
  return [autoscale, ...(webhookFunction ? [webhookFunction] : []), ...retirement];
}

function linksOf(fleet: ShownFleet): string {
  const { name, region } = fleet.context;
  const runbook = fleet.runbookUrl === undefined ? "" : ` [Runbook](${fleet.runbookUrl}).`;
  const logs = functionsOf(fleet).map(({ logGroupName }) => `[${logGroupName}](${logGroupPage(region, logGroupName)})`);
  return `# Fleet ${name}\nLogs: ${logs.join(" · ")}. Each alarm's description says what to do.${runbook}`;
}

function logWidgets({ context: { region }, autoscale, retirement }: ShownFleet): Widget[] {
  const loop = [autoscale.logGroupName];
  const half = retirement.length > 0 ? 12 : 24;
  const failures = {
    title: "Failed launches and want of capacity, by AWS's reason",
    width: half,
    logGroups: loop,
    commands: [
      'filter message in ["launch failed", "a launch failed after AWS had accepted it", "AWS has no room for agents"]',
      "stats sum(count) as launches, latest(@timestamp) as last by message, kind, detail",
      "sort launches desc",
      "limit 50",
    ],
  };
  const retirements = {
    title: "Retirements by reason (also Spot reclaims) and what they wait for",
    width: half,
    logGroups: retirement.map(({ logGroupName }) => logGroupName),
    commands: [
      'filter message in ["retirement step", "notice taken"]',
      "stats count(*) as steps, count_distinct(agent) as agents, latest(@timestamp) as last by reason, step, state",
      "sort last desc",
      "limit 50",
    ],
  };
  const decisions = {
    title: "Latest decisions",
    width: 24,
    logGroups: loop,
    commands: [
      'filter message = "decision"',
      "fields @timestamp, service as fleet, pool, action, wanted, supply, queued, running, reason",
      "sort @timestamp desc",
      "limit 50",
    ],
  };
  const tables = retirement.length > 0 ? [decisions, failures, retirements] : [decisions, failures];
  return tables.map((table) => logTable(region, table));
}

function machineryWidgets(fleet: ShownFleet): Widget[] {
  const { context, webhook, deadLetterQueues } = fleet;
  const lambda = (metric: string) => functionsOf(fleet).map(({ name }) => ["AWS/Lambda", metric, "FunctionName", name]);
  const draw = (of: Omit<Parameters<typeof graph>[1], "width">) => graph(context.region, { ...of, width: 6 });
  return [
    draw({ title: "Function errors", lines: [...lambda("Errors"), ...lambda("Throttles")], stat: "Sum" }),
    draw({ title: "Function duration (ms)", lines: lambda("Duration"), stat: "Average" }),
    draw({
      title: "Undelivered messages",
      lines: deadLetterQueues.map((queue) => ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue]),
      stat: "Maximum",
    }),
    ...(webhook
      ? [
          draw({
            title: "Webhook requests",
            lines: [
              ...["Count", "4xx", "5xx"].map((metric) => ["AWS/ApiGateway", metric, "ApiId", webhook.id]),
              [metricsNamespace, webhookThrottledMetric, "Fleet", context.name, { label: "429" }],
            ],
            stat: "Sum",
          }),
        ]
      : []),
  ];
}
