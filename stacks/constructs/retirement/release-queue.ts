import { Construct } from "constructs";
import { type ITerraformDependable, Lazy } from "#cdktf";
import { SqsQueue } from "#provider-aws/sqs-queue";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import type { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { noticeRuleArns } from "./notice-rules.ts";

const visibilityTimeoutSeconds = 180;
/**
 * Half an hour of attempts. After an hour without an answer the hook ends, and AWS terminates the instance, busy or
 * not.
 */
const maxReceiveCount = 10;
const retentionSeconds = 86_400;

/**
 * The queue for notices: an instance reports that its agent left, AWS that it takes an instance. It is made before the
 * group, because the instances get its URL. SQS's own key encrypts it, not the stack's: EventBridge could use the
 * stack's key only if the key policy allowed it, and a lost notice kills a job.
 */
export class ReleaseQueue extends Construct {
  readonly url: string;
  readonly arn: string;
  readonly deadLetters: DeadLetterQueue;
  /** Resources that must exist before messages are sent and received. */
  readonly ready: readonly ITerraformDependable[];
  private readonly instanceRoles: string[] = [];

  constructor(scope: Construct, id: string, context: StackContext) {
    super(scope, id);
    const name = `${context.name}-release`;
    const rules = noticeRuleArns(context);
    this.arn = arnOf(context, "sqs", name);
    this.deadLetters = new DeadLetterQueue(this, "dead-letters", {
      context,
      suffix: "release-dead-letters",
      senders: [{ service: "events.amazonaws.com", sources: rules }],
    });
    const queue = new SqsQueue(this, "queue", {
      name,
      sqsManagedSseEnabled: true,
      messageRetentionSeconds: retentionSeconds,
      visibilityTimeoutSeconds,
      redrivePolicy: JSON.stringify({ deadLetterTargetArn: this.deadLetters.arn, maxReceiveCount }),
      policy: Lazy.stringValue({ produce: () => this.policy(rules) }),
    });
    this.url = queue.url;
    this.ready = [queue];
  }

  /** Lets instances with this role send. Only they and the rules may. SQS reports which instance sent a message. */
  allowInstances(roleArn: string): void {
    this.instanceRoles.push(roleArn);
  }

  /** Lets a function receive messages from the queue, but not send any. */
  grantReceive(role: ServiceRole): void {
    role.allow({
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: [this.arn],
    });
  }

  private policy(rules: readonly string[]): string {
    const send = { Effect: "Allow", Action: "sqs:SendMessage", Resource: this.arn };
    return JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        // By condition, because AWS refuses a role as principal that was made a second ago.
        { ...send, Principal: { AWS: "*" }, Condition: { ArnEquals: { "aws:PrincipalArn": this.instanceRoles } } },
        {
          ...send,
          Principal: { Service: "events.amazonaws.com" },
          Condition: { ArnEquals: { "aws:SourceArn": rules } },
        },
      ],
    });
  }
}
