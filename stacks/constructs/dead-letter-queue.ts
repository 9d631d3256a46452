import { Construct } from "constructs";
import { SqsQueue } from "#provider-aws/sqs-queue";
import { type AllowedService, resourcePolicy } from "./resource-policy.ts";
import { arnOf, type StackContext } from "./stack-context.ts";

const fortnight = 1_209_600;

/** A queue for messages that AWS services could not deliver. SQS keeps them for 14 days, its maximum. */
export class DeadLetterQueue extends Construct {
  readonly name: string;
  readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** The queue's name is `<stack>-<suffix>`. */
      readonly suffix: string;
      /** Services that may send to it. */
      readonly senders: readonly AllowedService[];
    },
  ) {
    super(scope, id);
    const { context, suffix, senders } = props;
    const name = `${context.name}-${suffix}`;
    const queue = new SqsQueue(this, "queue", {
      name,
      messageRetentionSeconds: fortnight,
      ...(context.kmsKeyArn ? { kmsMasterKeyId: context.kmsKeyArn } : { sqsManagedSseEnabled: true }),
      // Inline, because a policy resource would make Terraform wait another half minute at every deployment.
      policy: resourcePolicy(arnOf(context, "sqs", name), "sqs:SendMessage", senders),
    });
    this.name = queue.name;
    this.arn = queue.arn;
  }
}

/** Names of all such queues that are in `scope` by now. */
export function deadLetterQueuesIn(scope: Construct): string[] {
  return scope.node.findAll().flatMap((each) => (each instanceof DeadLetterQueue ? [each.name] : []));
}
