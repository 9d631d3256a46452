import { Construct } from "constructs";
import type { CloudwatchMetricAlarm } from "#provider-aws/cloudwatch-metric-alarm";
import { metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import type { HandlerFunction } from "../functions/handler-function.ts";
import { type WebhookApi, webhookThrottledMetric } from "../functions/webhook-api.ts";
import type { StackContext } from "../stack-context.ts";
import { type AlarmProps, createAlarm, notEmpty } from "./alarm.ts";
import type { AlarmTopic } from "./alarm-topic.ts";

type Rest = Omit<AlarmProps, "context" | "topic" | "namespace" | "dimensions">;

/** The alarms of a fleet. The description of each says how an operator is affected. */
export class FleetAlarms extends Construct {
  /** The alarms of each pool, by its name; `undefined`: the fleet is one pool. */
  readonly ofPools = new Map<string | undefined, CloudwatchMetricAlarm[]>();
  private readonly props: {
    readonly context: StackContext;
    readonly topic: AlarmTopic;
    readonly autoscale: HandlerFunction;
    readonly webhook: WebhookApi | undefined;
    /** Name of the rule that runs the loop every minute. */
    readonly scheduleRuleName: string;
    readonly deadLetterQueueName: string;
    readonly queueWaitSeconds: number;
    /** `undefined`: no alarm watches the age of images. */
    readonly imageAgeDays: number | undefined;
    /** Whether the loop knows the age of a pool's image. */
    readonly knowsImageAge: (pool: string | undefined) => boolean;
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
      this.paused(pool);
      if (props.knowsImageAge(pool)) this.image(pool);
    }
    this.deliveries();
  }

  private loop(): void {
    const { autoscale, scheduleRuleName } = this.props;
    this.onFunction(autoscale, {
      name: "loop-failing",
      impact:
        "Runs of the scaling loop ended with an error. Agents for queued jobs may come late, or not until it is mended.",
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
      impact:
        "For five minutes the schedule has fired and the scaling loop has not run, or there are no data of either. " +
        "Agents may not be added for queued jobs.",
      metric: "Invocations",
      statistic: "Sum",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: 60,
      periods: 5,
      missingData: {
        beside: { namespace: "AWS/Events", metric: "Invocations", dimensions: { RuleName: scheduleRuleName } },
      },
    });
  }

  private vendor(pool: string | undefined): void {
    this.onPool(pool, {
      name: "vendor-api-errors",
      impact:
        "Calls to the vendor's API failed at least three times within five minutes. While its jobs or agents cannot be " +
        "read, the fleet keeps its size.",
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
      impact: `By the vendor's list, a job has waited for more than ${queueWaitSeconds} s.`,
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
      impact: "For 15 minutes jobs and buffer have needed more agents than agents.max. Jobs may wait.",
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
      impact:
        "For ten minutes each pass has seen queued jobs, and none has seen an agent at work or idle. Jobs may wait until " +
        "the cause is mended.",
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
      impact:
        "For five minutes each pass has seen jobs that demand what the config of this fleet does not offer. They may wait " +
        "until somebody mends them or the fleet.",
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
        "For ten minutes tasks or instances of this fleet have run whose agents the vendor does not list in its pool. They " +
        "may hold jobs, so the loop does not stop them. They count against agents.max, and may take no job of this pool.",
      metric: "AgentsUnseen",
      statistic: "Minimum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 2,
      missingData: "notBreaching",
    });
  }

  private paused(pool: string | undefined): void {
    this.onPool(pool, {
      name: "paused",
      impact:
        "Within five minutes the scaling loop held because an operator had paused it. It adds and retires agents only " +
        "after the pause, so jobs may wait.",
      metric: "Paused",
      statistic: "Maximum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 300,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  private image(pool: string | undefined): void {
    const { imageAgeDays } = this.props;
    if (imageAgeDays === undefined) return;
    this.onPool(pool, {
      name: "image-old",
      impact:
        "An image that agents run on is older than alarms.imageAgeDays. It may lack updates of its system and tools.",
      metric: "ImageAgeSeconds",
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: imageAgeDays * 86_400,
      periodSeconds: 3600,
      periods: 1,
      missingData: "notBreaching",
    });
  }

  private launches(pool: string | undefined): void {
    this.onPool(pool, {
      name: "launch-failures",
      impact:
        "At least five launches of agents failed within five minutes: AWS refused or ended them, or they ended before they " +
        "registered. Queued jobs may wait longer.",
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
      impact:
        "Too many launches failed, so the loop only tries one launch now and then, until one works. Jobs may wait meanwhile.",
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
      impact: "EventBridge gave up delivering an event of the schedule to the scaling loop. Agents may come late.",
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
    // Not the function's Errors metric: it does not count the 503 that the webhook answers while its secret cannot be
    // read.
    this.alarm(
      "AWS/ApiGateway",
      { ApiId: id },
      {
        ...sum,
        name: "webhook-failing",
        impact:
          "At least one request to the webhook ended with a 5xx error within five minutes. Agents may start up to a " +
          "minute later, and without an API token they may not start until the vendor notifies again.",
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
          "At least 20 requests to the webhook were answered with 4xx within 15 minutes. Strangers may have sent them, or " +
          "the vendor may sign with another key, and then its notifications are not taken in.",
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
          "The webhook's throttle turned away at least one request within five minutes. If it was the vendor's, agents may " +
          "start up to a minute later, and without an API token they may not start until the vendor notifies again.",
        metric: webhookThrottledMetric,
        threshold: 1,
        periodSeconds: 300,
      },
    );
  }

  private onPool(pool: string | undefined, alarm: Rest): void {
    const dimensions = { Fleet: this.props.context.name, ...(pool !== undefined && { Pool: pool }) };
    const made = this.alarm(metricsNamespace, dimensions, { ...alarm, pool });
    this.ofPools.set(pool, [...(this.ofPools.get(pool) ?? []), made]);
  }

  private onFunction(target: HandlerFunction, alarm: Rest): void {
    this.alarm("AWS/Lambda", { FunctionName: target.name }, alarm);
  }

  private alarm(namespace: string, dimensions: Record<string, string>, alarm: Rest) {
    const { context, topic } = this.props;
    return createAlarm(this, { ...alarm, namespace, dimensions, context, topic });
  }
}
