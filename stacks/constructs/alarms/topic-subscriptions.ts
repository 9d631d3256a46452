import type { Construct } from "constructs";
import { LambdaPermission } from "#provider-aws/lambda-permission";
import { SnsTopicSubscription } from "#provider-aws/sns-topic-subscription";
import type { Subscription } from "../../config/subscriptions.ts";

/** Whether SNS can find out that a delivery failed. It cannot for mails. */
export function canFail({ protocol }: Subscription): boolean {
  return protocol !== "email";
}

/**
 * Subscribes the receivers to a topic.
 *
 * @param at.deadLetters ARN of the queue for undeliverable messages; required if one subscription {@link canFail}
 */
export function subscribe(
  scope: Construct,
  at: {
    readonly topicArn: string;
    readonly subscriptions: readonly Subscription[];
    readonly deadLetters: string | undefined;
  },
): void {
  const { topicArn, subscriptions, deadLetters: deadLetterTargetArn } = at;
  subscriptions.forEach((subscription, index) => {
    const id = `${subscription.protocol}-${index}`;
    if (subscription.protocol === "lambda") {
      new LambdaPermission(scope, `${id}-permission`, {
        action: "lambda:InvokeFunction",
        functionName: subscription.functionArn,
        principal: "sns.amazonaws.com",
        sourceArn: topicArn,
      });
    }
    new SnsTopicSubscription(scope, id, {
      topicArn,
      protocol: subscription.protocol,
      endpoint: endpointOf(subscription),
      ...(subscription.protocol === "https" && subscription.autoConfirms && { endpointAutoConfirms: true }),
      ...(canFail(subscription) && { redrivePolicy: JSON.stringify({ deadLetterTargetArn }) }),
    });
  });
}

function endpointOf(subscription: Subscription): string {
  switch (subscription.protocol) {
    case "email":
      return subscription.address;
    case "https":
      return subscription.url;
    case "sqs":
      return subscription.queueArn;
    case "lambda":
      return subscription.functionArn;
  }
}
