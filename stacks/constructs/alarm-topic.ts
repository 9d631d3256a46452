import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";
import { arnOf, type StackContext } from "./stack-context.ts";

/** Where alarms go: a topic that CloudWatch may publish to, with the subscriptions that make them arrive. */
export class AlarmTopic extends Construct {
  readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly emails: readonly string[];
      readonly topicArn?: string | undefined;
    },
  ) {
    super(scope, id);
    if (props.topicArn !== undefined) {
      this.arn = props.topicArn;
      return;
    }
    const { context } = props;
    const topic = new SnsTopic(this, "topic", { name: `${context.name}-alarms`, kmsMasterKeyId: context.kmsKeyArn });
    this.arn = topic.arn;
    new SnsTopicPolicy(this, "policy", {
      arn: topic.arn,
      policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "AlarmsOfThisFleet",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: "sns:Publish",
            Resource: topic.arn,
            Condition: { ArnLike: { "aws:SourceArn": arnOf(context, "cloudwatch", `alarm:${context.name}-*`) } },
          },
        ],
      }),
    });
    props.emails.forEach((endpoint, index) => {
      new SnsTopicSubscription(this, `email-${index}`, { topicArn: topic.arn, protocol: "email", endpoint });
    });
  }
}
