import * as z from "zod";
import { regionalArn, uniqueList, wholeNumber } from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";
import { subscriptions } from "./subscriptions.ts";

const ownTopicOnly = <Key extends "emails" | "subscriptions">(
  key: Key,
): Rule<{ readonly topicArn?: string | undefined } & { readonly [K in Key]: readonly unknown[] }> => ({
  path: [key],
  reads: [[key], ["topicArn"]],
  check: (alarms) =>
    alarms.topicArn !== undefined && alarms[key].length > 0
      ? "must be left out when alarms.topicArn is given: subscriptions belong to that topic"
      : undefined,
});

const receivers = {
  emails: uniqueList(z.email({ error: "must be an e-mail address" }))
    .default([])
    .describe("Addresses subscribed to the stack's own topic. Each must confirm a mail from AWS once."),
  subscriptions: subscriptions.describe(
    "Where else alarms arrive. What cannot be delivered is kept in a dead-letter queue, which has an alarm.",
  ),
};

const topicArn = regionalArn("sns", "[\\w-]{1,256}", "the ARN of an SNS topic").optional();

const receiverRules = [ownTopicOnly("emails"), ownTopicOnly("subscriptions")];

/** Who is notified of what CloudWatch and EventBridge report. */
export const eventAlarms = withRules(
  z.strictObject({
    ...receivers,
    topicArn: topicArn.describe(
      "An existing SNS topic, which must let CloudWatch and EventBridge publish; if it is encrypted by another key than `kmsKeyArn`, " +
        "that key must let both use it. Left out: a topic of the stack.",
    ),
  }),
  receiverRules,
);

/** Where the alarms of a stack of any kind arrive. */
export type Receivers = z.output<typeof eventAlarms>;

/** Who is notified of a fleet's trouble, and from when on. */
export const alarms = withRules(
  z.strictObject({
    ...receivers,
    topicArn: topicArn.describe(
      "An existing SNS topic for all alarms, which must let CloudWatch publish; if it is encrypted by another key than `kmsKeyArn`, " +
        "that key must let CloudWatch and the role `<stack>-retire-workflow` use it. Left out: one of our own.",
    ),
    queueWaitSeconds: wholeNumber(60, 86_400)
      .default(300)
      .describe("How long a job may wait for an agent before an alarm tells."),
  }),
  receiverRules,
);
