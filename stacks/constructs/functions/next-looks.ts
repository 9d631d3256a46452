import { Construct } from "constructs";
import { LambdaEventSourceMapping } from "#provider-aws/lambda-event-source-mapping";
import { LambdaFunctionRecursionConfig } from "#provider-aws/lambda-function-recursion-config";
import { SqsQueue } from "#provider-aws/sqs-queue";
import type { StackContext } from "../stack-context.ts";
import type { HandlerFunction } from "./handler-function.ts";

/** A message that waits for this long is of no use any more: meanwhile the schedule has called. */
const retentionSeconds = 120;

/**
 * The queue by which the loop calls itself again in some seconds, so that it does not wait inside a function. Only the
 * loop's role may send to it. At most one of its messages counts at any time; see `Lease` in `handlers/lib/core/ports.ts`.
 *
 * A message whose pass fails never comes again: SQS hides it for longer than it keeps it. So it needs no dead-letter
 * queue, and the schedule makes it good. Lambda asks for the visibility timeout of six times the function's.
 *
 * Lambda stops a function that calls itself through SQS after about 16 rounds, unless the function allows it.
 *
 * No limit of concurrency is set: then Lambda may use as few as two pollers on a quiet queue, and no account has to
 * reserve executions.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
 */
export class NextLooks extends Construct {
  readonly queueUrl: string;
  private readonly queue: SqsQueue;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly context: StackContext; readonly functionTimeoutSeconds: number },
  ) {
    super(scope, id);
    this.queue = new SqsQueue(this, "queue", {
      name: `${props.context.name}-next-looks`,
      // SQS's own key: a message holds a time and nothing else.
      sqsManagedSseEnabled: true,
      messageRetentionSeconds: retentionSeconds,
      visibilityTimeoutSeconds: 6 * props.functionTimeoutSeconds,
    });
    this.queueUrl = this.queue.url;
  }

  /** Makes the queue invoke this function, and lets the function send to it. */
  invoke(target: HandlerFunction): void {
    target.role.allow({
      actions: ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: [this.queue.arn],
    });
    const recursion = new LambdaFunctionRecursionConfig(this, "recursion", {
      functionName: target.function.functionName,
      recursiveLoop: "Allow",
    });
    new LambdaEventSourceMapping(this, "source", {
      eventSourceArn: this.queue.arn,
      functionName: target.function.functionName,
      batchSize: 1,
      dependsOn: [...target.role.ready, recursion],
    });
  }
}
