import { Construct } from "constructs";
import { metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import type { HandlerFunction } from "../functions/handler-function.ts";
import { type WebhookApi, webhookThrottledMetric } from "../functions/webhook-api.ts";
import type { StackContext } from "../stack-context.ts";
import { type AlarmProps, createAlarm, notEmpty } from "./alarm.ts";
import type { AlarmTopic } from "./alarm-topic.ts";

type Rest = Omit<AlarmProps, "context" | "topic" | "namespace" | "dimensions">;

/** The alarms of a fleet. The description of each says how an operator is affected. */
export class FleetAlarms extends Construct {
  private readonly props: {
    readonly context: StackContext;
    readonly topic: AlarmTopic;
    readonly autoscale: HandlerFunction;
    readonly webhook: WebhookApi | undefined;
    readonly deadLetterQueueName: string;
    readonly queueWaitSeconds: number;
    /** Whether the vendor reports jobs that demand something that the fleet's agents do not offer. */
    readonly tellsUnmatchedJobs?: boolean | undefined;
    /** Names of the pools, each with its own alarms. `undefined`: the fleet is one pool. */
    readonly pools?: readonly string[] | undefined;
  };

  constructor(scope: Construct, id: string, props: FleetAlarms["props"]) {
    super(scope, id);
    this.props = props;
    this.loop();
    for (const pool of props.pools ?? [undefined]) {
      this.vendor(pool);
      this.jobs(pool);
      this.launches(pool);
      this.unserved(pool);
      this.unseen(pool);
    }
    this.deliveries();
  }

  private loop(): void {
    const { autoscale } = this.props;
    this.onFunction(autoscale, {
      name: "loop-failing",
      impact: "The scaling loop fails: no agents are added for queued jobs. Running jobs are not affected.",
      metric: "Errors",
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 60,
      periods: 5,
      breaching: 3,
      missingData: "notBreaching",
    });
    this.onFunction(autoscale, {
      name: "loop-silent",
      impact: "The scaling loop has not run for five minutes: no agents are added for queued jobs.",
      metric: "Invocations",
      statistic: "Sum",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: 60,
      periods: 5,
      missingData: "breaching",
    });
  }

  private vendor(pool: string | undefined): void {
    this.onPool(pool, {
      name: "vendor-api-errors",
      impact: "The vendor's API does not answer as it should: the fleet keeps its size until it does.",
      metric: "VendorApiErrors",
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 3,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  private jobs(pool: string | undefined): void {
    const { queueWaitSeconds } = this.props;
    this.onPool(pool, {
      name: "queue-wait",
      impact: `A job has waited more than ${queueWaitSeconds} s for an agent.`,
      metric: "OldestQueuedSeconds",
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: queueWaitSeconds,
      periodSeconds: 60,
      periods: 3,
      missingData: "notBreaching",
    });
    this.onPool(pool, {
      name: "at-ceiling",
      impact: "The fleet has been at its ceiling for 15 minutes while jobs wait: agents.max is too low for this load.",
      metric: "AtCeiling",
      statistic: "Minimum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 3,
      missingData: "notBreaching",
    });
  }

  private unserved(pool: string | undefined): void {
    this.onPool(pool, {
      name: "no-agents",
      impact: "Jobs have waited for ten minutes and no agent is at work or ready for them.",
      metric: "QueuedWithoutAgents",
      statistic: "Minimum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 2,
      missingData: "notBreaching",
    });
    if (!this.props.tellsUnmatchedJobs) return;
    this.onPool(pool, {
      name: "jobs-unmatched",
      impact: "Jobs demand what no agent of this fleet offers: they wait until somebody mends them or the fleet.",
      metric: "JobsUnmatched",
      statistic: "Minimum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  private unseen(pool: string | undefined): void {
    this.onPool(pool, {
      name: "agents-unseen",
      impact:
        "Agents run that the vendor does not list in this fleet's pool. They may hold jobs, so nothing stops them; they " +
        "take no job of this pool, count against agents.max and cost money.",
      metric: "AgentsUnseen",
      statistic: "Minimum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 2,
      missingData: "notBreaching",
    });
  }

  private launches(pool: string | undefined): void {
    this.onPool(pool, {
      name: "launch-failures",
      impact: "AWS refuses to start agents, or they never register: queued jobs wait longer.",
      metric: "LaunchFailures",
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 5,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
    this.onPool(pool, {
      name: "circuit-open",
      impact: "Too many agents failed to start within an hour: no more are launched until fewer have.",
      metric: "CircuitOpen",
      statistic: "Maximum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 60,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  private deliveries(): void {
    const { context, topic, webhook, deadLetterQueueName } = this.props;
    createAlarm(this, {
      ...notEmpty(deadLetterQueueName),
      context,
      topic,
      name: "dead-letters",
      impact: "EventBridge could not deliver the schedule to the scaling loop.",
    });
    if (webhook) this.requests(webhook);
  }

  private requests({ id }: WebhookApi): void {
    const { name } = this.props.context;
    const sum = {
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      periods: 1,
      missingData: "notBreaching",
    } as const;
    // Not the function's Errors metric: it does not count the 503 that the webhook answers while its secret has no
    // value.
    this.alarm(
      "AWS/ApiGateway",
      { ApiId: id },
      {
        ...sum,
        name: "webhook-failing",
        impact:
          "Notifications are not taken in: agents start up to a minute later, or not at all without an API token.",
        metric: "5xx",
        threshold: 1,
        periodSeconds: 300,
      },
    );
    // 4xx counts client-side errors, https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html.
    this.alarm(
      "AWS/ApiGateway",
      { ApiId: id },
      {
        ...sum,
        name: "webhook-refusing",
        impact:
          "The webhook refuses many requests: strangers knock, or the vendor signs with another key and its " +
          "notifications are lost.",
        metric: "4xx",
        threshold: 20,
        periodSeconds: 900,
      },
    );
    this.alarm(
      metricsNamespace,
      { Fleet: name },
      {
        ...sum,
        name: "webhook-throttled",
        impact:
          "The webhook's throttle turned requests away, perhaps the vendor's own: agents start up to a minute later, or " +
          "not at all without an API token.",
        metric: webhookThrottledMetric,
        threshold: 1,
        periodSeconds: 300,
      },
    );
  }

  private onPool(pool: string | undefined, alarm: Rest): void {
    const dimensions = { Fleet: this.props.context.name, ...(pool !== undefined && { Pool: pool }) };
    this.alarm(metricsNamespace, dimensions, { ...alarm, pool });
  }

  private onFunction(target: HandlerFunction, alarm: Rest): void {
    this.alarm("AWS/Lambda", { FunctionName: target.name }, alarm);
  }

  private alarm(namespace: string, dimensions: Record<string, string>, alarm: Rest): void {
    createAlarm(this, { ...alarm, namespace, dimensions, context: this.props.context, topic: this.props.topic });
  }
}
