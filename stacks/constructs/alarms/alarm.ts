import { CloudwatchMetricAlarm } from "@cdktf/provider-aws/lib/cloudwatch-metric-alarm";
import type { Construct } from "constructs";
import type { StackContext } from "../stack-context.ts";

/** The metric that an alarm watches, and what the alarm means. */
export interface AlarmProps {
  readonly context: StackContext;
  /** The SNS topic that the alarm publishes to. */
  readonly topic: { readonly arn: string };
  /** The end of the alarm's name, and the name of its section in the runbook. */
  readonly name: string;
  /** The pool that this alarm watches, in a fleet of several. */
  readonly pool?: string | undefined;
  /** How this alarm's cause affects an operator, in one sentence. */
  readonly impact: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: "Sum" | "Maximum" | "Minimum";
  readonly comparison: "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly periodSeconds: number;
  /** How many periods the alarm evaluates. */
  readonly periods: number;
  /** How many of these periods must breach. @default all */
  readonly breaching?: number;
  readonly missingData: "breaching" | "notBreaching";
}

/** A CloudWatch alarm with its impact in the description. It notifies when it fires and when it is over. */
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

/** The metric and threshold of an alarm on a queue that should be empty. */
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
