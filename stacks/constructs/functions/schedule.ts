import { Construct } from "constructs";
import { CloudwatchEventRule } from "#provider-aws/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "#provider-aws/cloudwatch-event-target";
import { LambdaFunctionEventInvokeConfig } from "#provider-aws/lambda-function-event-invoke-config";
import { LambdaPermission } from "#provider-aws/lambda-permission";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import type { StackContext } from "../stack-context.ts";
import type { HandlerFunction } from "./handler-function.ts";

/**
 * Runs the loop every minute. Lambda drops an event that it cannot take within a minute instead of queueing it for
 * hours. Nothing is retried, because the next minute observes everything anew. Events that EventBridge
 * cannot deliver go to the dead-letter queue.
 */
export class MinuteSchedule extends Construct {
  /** Name of the rule that runs the loop. */
  readonly ruleName: string;
  readonly deadLetterQueueName: string;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly context: StackContext; readonly target: HandlerFunction },
  ) {
    super(scope, id);
    const { context, target } = props;
    this.ruleName = `${context.name}-every-minute`;
    const rule = new CloudwatchEventRule(this, "rule", {
      name: this.ruleName,
      description: `Runs the scaling loop of fleet ${context.name}`,
      scheduleExpression: "rate(1 minute)",
    });
    const queue = new DeadLetterQueue(this, "dead-letters", {
      context,
      suffix: "dead-letters",
      senders: [{ service: "events.amazonaws.com", sources: [rule.arn] }],
    });
    this.deadLetterQueueName = queue.name;
    new LambdaFunctionEventInvokeConfig(this, "no-retries", {
      functionName: target.function.functionName,
      maximumEventAgeInSeconds: 60,
      maximumRetryAttempts: 0,
    });
    const permission = new LambdaPermission(this, "permission", {
      action: "lambda:InvokeFunction",
      functionName: target.function.functionName,
      principal: "events.amazonaws.com",
      sourceArn: rule.arn,
    });
    new CloudwatchEventTarget(this, "target", {
      rule: rule.name,
      arn: target.arn,
      input: JSON.stringify({ source: "schedule" }),
      deadLetterConfig: { arn: queue.arn },
      retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
      dependsOn: [permission],
    });
  }
}
