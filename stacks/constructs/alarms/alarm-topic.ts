import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { CloudwatchEventTarget } from "#provider-aws/cloudwatch-event-target";
import { SnsTopic } from "#provider-aws/sns-topic";
import { SnsTopicPolicy } from "#provider-aws/sns-topic-policy";
import type { Receivers } from "../../config/alarms.ts";
import type { Subscription } from "../../config/subscriptions.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import { type AllowedService, resourcePolicy } from "../resource-policy.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { createAlarm, notEmpty } from "./alarm.ts";
import { type AlertRule, createAlertRule, messageOf } from "./alert-rule.ts";
import { ChatChannels } from "./chat-channels.ts";
import { canFail, subscribe } from "./topic-subscriptions.ts";

const runbookFile = "docs/runbook.md";

interface Topic {
  readonly arn: string;
  /** Resources that must exist before services other than CloudWatch may publish. */
  readonly ready: ITerraformDependable[];
  /** The services that may send undeliverable messages to the dead-letter queue. */
  readonly senders: readonly AllowedService[];
}

/**
 * The topic of a stack's alarms, in every kind. CloudWatch and the rules of the stack's alerts may publish to it, and
 * it has the subscriptions of the config. Undeliverable messages go to a queue, which has an alarm. With `topicArn` the
 * given topic is used, and its owner sets its policy and subscriptions.
 */
export class AlarmTopic extends Construct {
  readonly arn: string;
  /** The runbook: its page, or its file in this project. The name of an alarm is the name of its section. */
  readonly runbook: string;
  private readonly context: StackContext;
  private readonly suffix: string;

  constructor(
    scope: Construct,
    id: string,
    props: Receivers & {
      readonly context: StackContext;
      /** Events that people are notified of, in addition to CloudWatch's alarms. @default none */
      readonly alerts?: readonly AlertRule[];
      /** Part of the names of topic and queue, after the stack's name. @default alarms */
      readonly suffix?: string;
    },
  ) {
    super(scope, id);
    const { context, emails, topicArn, alerts = [], suffix = "alarms" } = props;
    this.context = context;
    this.suffix = suffix;
    this.runbook = props.runbookUrl ?? runbookFile;
    const rules = alerts.map((alert) => ({ alert, rule: createAlertRule(this, alert.id, context, alert) }));
    const events = { service: "events.amazonaws.com", sources: rules.map(({ rule }) => rule.arn) };
    const publishers = rules.length > 0 ? [events] : [];
    const topic = topicArn === undefined ? this.ownTopic(publishers) : { arn: topicArn, ready: [], senders: [] };
    this.arn = topic.arn;
    const mails = emails.map((address) => ({ protocol: "email", address }) as const);
    const subscriptions: readonly Subscription[] = [...mails, ...props.subscriptions];
    const needsQueue = rules.length > 0 || subscriptions.some(canFail);
    const deadLetters = needsQueue ? this.deadLetters([...publishers, ...topic.senders]) : undefined;
    for (const { alert, rule } of rules) {
      new CloudwatchEventTarget(this, `${alert.id}-target`, {
        rule: rule.name,
        arn: topic.arn,
        deadLetterConfig: { arn: deadLetters },
        inputTransformer: messageOf(alert),
        dependsOn: topic.ready,
      });
    }
    subscribe(this, { topicArn: topic.arn, subscriptions, deadLetters });
    if (props.chat.length > 0) {
      new ChatChannels(this, "chat", { context, topicArn: topic.arn, channels: props.chat, suffix });
    }
  }

  private ownTopic(publishers: readonly AllowedService[]): Topic {
    const context = this.context;
    const topic = new SnsTopic(this, "topic", {
      name: `${context.name}-${this.suffix}`,
      kmsMasterKeyId: context.kmsKeyArn,
    });
    acceptFindings(topic, {
      // The policy of SNS's own key cannot be changed: docs.aws.amazon.com, "Amazon SNS encryption", CloudWatch alarms.
      CKV_AWS_26: !context.kmsKeyArn && "CloudWatch cannot use SNS's own key. The config names no kmsKeyArn.",
    });
    const { arn } = topic;
    const policy = new SnsTopicPolicy(this, "policy", {
      arn,
      policy: resourcePolicy(arn, "sns:Publish", [
        { service: "cloudwatch.amazonaws.com", sources: [arnOf(context, "cloudwatch", `alarm:${context.name}-*`)] },
        ...publishers,
      ]),
    });
    return { arn, ready: [policy], senders: [{ service: "sns.amazonaws.com", sources: [arn] }] };
  }

  /** @returns the queue's ARN */
  private deadLetters(senders: readonly AllowedService[]): string {
    const context = this.context;
    const queue = new DeadLetterQueue(this, "dead-letters", {
      context,
      suffix: `${this.suffix}-dead-letters`,
      senders,
    });
    createAlarm(this, {
      ...notEmpty(queue.name),
      context,
      topic: this,
      name: "alarms-undelivered",
      impact:
        "A message of this stack did not arrive at a receiver and lies in a dead-letter queue. Others may not arrive either.",
    });
    return queue.arn;
  }
}
