import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import type { Construct } from "constructs";
import type { StackContext } from "../stack-context.ts";

/** What an alarm watches and what it means. */
export interface AlarmProps {
  readonly context: StackContext;
  /** The SNS topic that the alarm tells. */
  readonly topic: { readonly arn: string };
  /** Ends the alarm's name and names its section in the runbook. */
  readonly name: string;
  /** One of several pools that have this alarm. */
  readonly pool?: string | undefined;
  /** What an operator suffers while this alarm is on, in one sentence. */
  readonly impact: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Sum" | "Maximum" | "Minimum";
  readonly comparison: "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly periodSeconds: number;
  /** Periods looked at. */
  readonly periods: number;
  /** How many of them must breach. @default all */
  readonly breaching?: number;
  readonly missingData: "breaching" | "notBreaching";
}

/** A CloudWatch alarm that tells its impact, and tells again when it is over. */
export function createAlarm(scope: Construct, props: AlarmProps): CloudwatchMetricAlarm {
  const { context } = props;
  const name = props.pool === undefined ? props.name : `${props.pool}-${props.name}`;
  return new CloudwatchMetricAlarm(scope, `alarm-${name}`, {
    alarmName: `${context.name}-${name}`,
    alarmDescription: `${props.impact} What to do: docs/runbook.md#${props.name}`,
    namespace: props.namespace,
    metricName: props.metric,
    dimensions: { ...props.dimensions },
    statistic: props.statistic,
    comparisonOperator: props.comparison,
    threshold: props.threshold,
    period: props.periodSeconds,
    evaluationPeriods: props.periods,
    datapointsToAlarm: props.breaching ?? props.periods,
    treatMissingData: props.missingData,
    alarmActions: [props.topic.arn],
    okActions: [props.topic.arn],
  });
}

/** What an alarm watches on a queue that should be empty. */
export function notEmpty(queueName: string) {
  return {
    namespace: "AWS/SQS",
    dimensions: { QueueName: queueName },
    metric: "ApproximateNumberOfMessagesVisible",
    statistic: "Maximum",
    comparison: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    periodSeconds: 300,
    periods: 1,
    missingData: "notBreaching",
  } as const;
}
