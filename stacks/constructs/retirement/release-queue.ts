import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { type ITerraformDependable, Lazy } from "cdktf";
import { Construct } from "constructs";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import type { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { noticeRuleArns } from "./notice-rules.ts";

const visibilityTimeoutSeconds = 180;
/** Half an hour of attempts: a hook waits for an hour before its instance is terminated, busy or not. */
const maxReceiveCount = 10;
const retentionSeconds = 86_400;

/**
 * The queue in which instances say that they leave, and AWS that it takes one. Made before the group, whose instances get
 * to know its URL. It is encrypted by SQS itself, not by a key of the stack's: EventBridge could not use that one unless
 * its key policy said so, and lost notices kill jobs.
 */
export class ReleaseQueue extends Construct {
  readonly url: string;
  readonly arn: string;
  readonly deadLetters: DeadLetterQueue;
  /** What must exist before messages come and go. */
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

  /** Lets instances with this role send. Besides them nobody may but the rules; SQS tells which instance sent what. */
  allowInstances(roleArn: string): void {
    this.instanceRoles.push(roleArn);
  }

  /** Lets a function take messages from the queue, not send any. */
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
        // By condition: as a principal, a role that was made a second ago would be refused as unknown.
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
