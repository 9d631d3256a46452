import type { Construct } from "constructs";
import { CloudwatchMetricAlarm } from "#provider-aws/cloudwatch-metric-alarm";
import type { StackContext } from "../stack-context.ts";

/** One metric of CloudWatch. */
interface Metric {
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** The metric that an alarm watches, and what the alarm means. */
export interface AlarmProps extends Metric {
  readonly context: StackContext;
  /** The SNS topic that the alarm publishes to. */
  readonly topic: { readonly arn: string; readonly runbook: string };
  /** The end of the alarm's name, and the name of its section in the runbook. */
  readonly name: string;
  /** The pool of a fleet of several, or the service, that this alarm watches: the alarm's name begins with it. */
  readonly pool?: string | undefined;
  /**
   * The first sentence says what the metric proves, and no more. The others say how that may affect an operator. The
   * exact measure is added to them.
   */
  readonly impact: string;
  readonly statistic: "Sum" | "Maximum" | "Minimum";
  readonly comparison: "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly periodSeconds: number;
  /** How many periods the alarm evaluates. */
  readonly periods: number;
  /** How many of these periods must breach. @default all */
  readonly breaching?: number;
  /** What a period without data counts as. Or a metric without which a period says nothing: see {@link beside}. */
  readonly missingData: "notBreaching" | { readonly beside: Metric };
}

const comparisons = {
  GreaterThanThreshold: "more than",
  GreaterThanOrEqualToThreshold: "at least",
  LessThanThreshold: "less than",
};

/** A CloudWatch alarm with its impact in the description. It notifies when it fires and when it is over. */
export function createAlarm(scope: Construct, props: AlarmProps): CloudwatchMetricAlarm {
  const { context, missingData, periods, breaching = periods } = props;
  const name = props.pool === undefined ? props.name : `${props.pool}-${props.name}`;
  return new CloudwatchMetricAlarm(scope, `alarm-${name}`, {
    alarmName: `${context.name}-${name}`,
    alarmDescription: `${props.impact} ${measureOf(props)} What to do: ${props.topic.runbook}#${props.name}`,
    ...(missingData === "notBreaching"
      ? {
          namespace: props.namespace,
          metricName: props.metric,
          dimensions: { ...props.dimensions },
          statistic: props.statistic,
          period: props.periodSeconds,
          treatMissingData: missingData,
        }
      : { ...beside(props, missingData.beside), insufficientDataActions: [props.topic.arn] }),
    comparisonOperator: props.comparison,
    threshold: props.threshold,
    evaluationPeriods: periods,
    datapointsToAlarm: breaching,
    alarmActions: [props.topic.arn],
    okActions: [props.topic.arn],
  });
}

/** All alarms that are in `scope` by now. */
export function alarmsIn(scope: Construct): CloudwatchMetricAlarm[] {
  return scope.node.findAll().filter((each) => each instanceof CloudwatchMetricAlarm);
}

/** What an alarm measures, in words. */
function measureOf({
  statistic,
  metric,
  comparison,
  threshold,
  periodSeconds,
  periods,
  breaching,
}: AlarmProps): string {
  const often = periods === 1 ? "in" : `in ${breaching ?? periods} of ${periods} times`;
  return `Measured: ${statistic.toLowerCase()} of ${metric} ${comparisons[comparison]} ${threshold}, ${often} ${periodSeconds} s.`;
}

/**
 * A metric that is absent where it should be 0, counted only in periods in which another one has data. Without both the
 * alarm has insufficient data, and says so by a message of its own. A new alarm begins in that state without a message:
 * CloudWatch evaluates it at once and tells the next change (API reference of PutMetricAlarm). With missing data taken
 * for a breach each new alarm would ring before its first period is over.
 *
 * Assumed: SUM of a list leaves out what is missing, and a difference is missing where one side is.
 */
function beside({ metric, namespace, dimensions, statistic, periodSeconds }: AlarmProps, other: Metric) {
  const query = (id: string, of: Metric) => ({
    id,
    metric: {
      namespace: of.namespace,
      metricName: of.metric,
      dimensions: { ...of.dimensions },
      stat: statistic,
      period: periodSeconds,
    },
  });
  return {
    treatMissingData: "missing",
    metricQuery: [
      query("watched", { metric, namespace, dimensions }),
      query("beside", other),
      { id: "counted", expression: "SUM([watched, beside]) - beside", label: metric, returnData: true },
    ],
  };
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
