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

/** Who hears of trouble, and from when on. */
export const alarms = withRules(
  z.strictObject({
    emails: uniqueList(z.email({ error: "must be an e-mail address" }))
      .default([])
      .describe("Addresses subscribed to the fleet's own topic. Each must confirm a mail from AWS once."),
    subscriptions: subscriptions.describe(
      "Where else alarms arrive. What cannot be delivered is kept in a dead-letter queue, which has an alarm.",
    ),
    topicArn: regionalArn("sns", "[\\w-]{1,256}", "the ARN of an SNS topic")
      .optional()
      .describe("An existing SNS topic for all alarms, which must let CloudWatch publish. Left out: one of our own."),
    queueWaitSeconds: wholeNumber(60, 86_400)
      .default(300)
      .describe("How long a job may wait for an agent before an alarm tells."),
  }),
  [ownTopicOnly("emails"), ownTopicOnly("subscriptions")],
);
