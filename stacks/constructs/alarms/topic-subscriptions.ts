import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import type { Construct } from "constructs";
import type { Subscription } from "../../config/subscriptions.ts";

/** SNS hands mails over and never hears of them again; all else may turn out to be undeliverable. */
export function canFail({ protocol }: Subscription): boolean {
  return protocol !== "email";
}

/**
 * Makes a topic's messages arrive.
 *
 * @param at.deadLetters ARN of the queue for what cannot be delivered; needed as soon as one {@link canFail}
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
