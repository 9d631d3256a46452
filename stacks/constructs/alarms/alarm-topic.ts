import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Subscription } from "../../config/subscriptions.ts";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import { resourcePolicy } from "../resource-policy.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { createAlarm, notEmpty } from "./alarm.ts";
import { canFail, subscribe } from "./topic-subscriptions.ts";

/** Where alarms go: a topic that CloudWatch may publish to, with the subscriptions that make them arrive. */
export class AlarmTopic extends Construct {
  readonly arn: string;
  /** What must exist before others than CloudWatch may publish. */
  readonly ready: readonly ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly emails: readonly string[];
      readonly subscriptions: readonly Subscription[];
      readonly topicArn?: string | undefined;
      /** ARNs of EventBridge rules that publish, too. */
      readonly rules?: readonly string[];
    },
  ) {
    super(scope, id);
    if (props.topicArn !== undefined) {
      this.arn = props.topicArn;
      this.ready = [];
      return;
    }
    const { context, emails, rules = [] } = props;
    const topic = new SnsTopic(this, "topic", { name: `${context.name}-alarms`, kmsMasterKeyId: context.kmsKeyArn });
    this.arn = topic.arn;
    const policy = new SnsTopicPolicy(this, "policy", {
      arn: topic.arn,
      policy: resourcePolicy(topic.arn, "sns:Publish", [
        { service: "cloudwatch.amazonaws.com", sources: [arnOf(context, "cloudwatch", `alarm:${context.name}-*`)] },
        ...(rules.length > 0 ? [{ service: "events.amazonaws.com", sources: rules }] : []),
      ]),
    });
    this.ready = [policy];
    const mails = emails.map((address) => ({ protocol: "email", address }) as const);
    const subscriptions = [...mails, ...props.subscriptions];
    subscribe(this, {
      topicArn: topic.arn,
      subscriptions,
      deadLetters: subscriptions.some(canFail) ? this.deadLetters() : undefined,
    });
  }

  private deadLetters(): string {
    const { context } = this.props;
    const queue = new DeadLetterQueue(this, "dead-letters", {
      context,
      suffix: "alarms-dead-letters",
      senders: [{ service: "sns.amazonaws.com", sources: [this.arn] }],
    });
    createAlarm(this, {
      ...notEmpty(queue.name),
      context,
      topic: this,
      name: "alarms-undelivered",
      impact: "Alarms of this fleet did not arrive where the config sends them.",
    });
    return queue.arn;
  }
}
