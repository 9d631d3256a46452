import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { Construct } from "constructs";
import type { Subscription } from "../../config/subscriptions.ts";
import { createAlarm, notEmpty } from "../alarms/alarm.ts";
import { createAlertRule, messageOf } from "../alarms/alert-rule.ts";
import { subscribe } from "../alarms/topic-subscriptions.ts";
import { DeadLetterQueue } from "../dead-letter-queue.ts";
import { resourcePolicy } from "../resource-policy.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { alertRules } from "./alert-rules.ts";
import type { HostCluster } from "./cluster.ts";

/** Tells people of what goes wrong in a cluster: rules, a topic that they may publish to, and subscriptions. */
export class ClusterAlerts extends Construct {
  readonly topicArn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly cluster: HostCluster;
      readonly subscriptions: readonly Subscription[];
    },
  ) {
    super(scope, id);
    const { context, cluster } = props;
    const topic = new SnsTopic(this, "topic", { name: `${context.name}-alerts`, kmsMasterKeyId: context.kmsKeyArn });
    this.topicArn = topic.arn;
    const rules = alertRules({
      arn: cluster.arn,
      serviceArnPrefix: arnOf(context, "ecs", `service/${cluster.name}/`),
    }).map((alert) => ({ alert, rule: createAlertRule(this, alert.id, context, alert) }));
    const ruleArns = rules.map(({ rule }) => rule.arn);
    const topicPolicy = new SnsTopicPolicy(this, "topic-policy", {
      arn: topic.arn,
      policy: resourcePolicy(topic.arn, "sns:Publish", [
        { service: "events.amazonaws.com", sources: ruleArns },
        { service: "cloudwatch.amazonaws.com", sources: [arnOf(context, "cloudwatch", `alarm:${context.name}-*`)] },
      ]),
    });
    const deadLetters = new DeadLetterQueue(this, "dead-letters", {
      context,
      suffix: "alerts-dead-letters",
      senders: [
        { service: "events.amazonaws.com", sources: ruleArns },
        { service: "sns.amazonaws.com", sources: [topic.arn] },
      ],
    });
    for (const { alert, rule } of rules) {
      new CloudwatchEventTarget(this, `${alert.id}-target`, {
        rule: rule.name,
        arn: topic.arn,
        deadLetterConfig: { arn: deadLetters.arn },
        inputTransformer: messageOf(alert),
        dependsOn: [topicPolicy],
      });
    }
    subscribe(this, { topicArn: topic.arn, subscriptions: props.subscriptions, deadLetters: deadLetters.arn });
    createAlarm(this, {
      ...notEmpty(deadLetters.name),
      context,
      topic: { arn: topic.arn },
      name: "alerts-undelivered",
      impact: "Alerts of this cluster did not arrive where the config sends them.",
    });
  }
}
