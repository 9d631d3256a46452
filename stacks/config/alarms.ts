import * as z from "zod";
import { chat } from "./chat.ts";
import { regionalArn, uniqueList, urlThat, wholeNumber } from "./primitives.ts";
import { type Rule, withRules } from "./rules.ts";
import { subscriptions } from "./subscriptions.ts";

const ownTopicOnly = <Key extends "emails" | "subscriptions" | "chat">(
  key: Key,
): Rule<{ readonly topicArn?: string | undefined } & { readonly [K in Key]: readonly unknown[] }> => ({
  path: [key],
  reads: [[key], ["topicArn"]],
  check: (alarms) =>
    alarms.topicArn !== undefined && alarms[key].length > 0
      ? "must be left out when alarms.topicArn is given: subscriptions belong to that topic"
      : undefined,
});

/** CloudWatch takes 1024 characters of a description, and the longest of ours has half of them. */
const longestUrl = 300;

const receivers = {
  emails: uniqueList(z.email({ error: "must be an e-mail address" }))
    .default([])
    .describe("Addresses subscribed to the stack's own topic. Each must confirm a mail from AWS once."),
  subscriptions: subscriptions.describe(
    "More receivers of alarms. A dead-letter queue with its own alarm keeps messages that SNS cannot deliver.",
  ),
  chat,
  runbookUrl: urlThat(
    ({ protocol }, written) => protocol === "https:" && !/[#\s]/.test(written) && written.length <= longestUrl,
    `an https URL of at most ${longestUrl} characters, without # and blanks`,
  )
    .optional()
    .describe(
      "The page with this project's runbook (docs/runbook.md) where your people read it, without `#…`: each alarm links to " +
        "its section there. Left out: alarms name the file and the section.",
    ),
};

const topicArn = regionalArn("sns", "[\\w-]{1,256}", "the ARN of an SNS topic").optional();

const receiverRules = [ownTopicOnly("emails"), ownTopicOnly("subscriptions"), ownTopicOnly("chat")];

/** Receivers of alarms from CloudWatch and EventBridge. */
export const eventAlarms = withRules(
  z.strictObject({
    ...receivers,
    topicArn: topicArn.describe(
      "An existing SNS topic, which must let CloudWatch and EventBridge publish. If a key other than `kmsKeyArn` encrypts it, " +
        "that key must let both use it. Left out: the stack creates a topic.",
    ),
  }),
  receiverRules,
);

/** The receivers of alarms, the same for every kind of stack. */
export type Receivers = z.output<typeof eventAlarms>;

/** Whether somebody gets what a stack sends about single events, which no chat shows. */
export function hasReceiver({ emails, subscriptions, topicArn }: Receivers): boolean {
  return topicArn !== undefined || emails.length + subscriptions.length > 0;
}

/** Receivers of a fleet's alarms, and its limits. */
export const alarms = withRules(
  z.strictObject({
    ...receivers,
    topicArn: topicArn.describe(
      "An existing SNS topic for all alarms, which must let CloudWatch publish. If a key other than `kmsKeyArn` encrypts it, " +
        "that key must let CloudWatch and the role `<stack>-retire-workflow` use it. Left out: the stack creates a topic.",
    ),
    queueWaitSeconds: wholeNumber(60, 86_400)
      .default(300)
      .describe("How long a job may wait for an agent before an alarm rings."),
    imageAgeDays: wholeNumber(1, 3650)
      .optional()
      .describe(
        "An alarm rings where the image that agents run on is older than so many days. Left out: none. Known of AMIs, and " +
          "of container images in ECR in the stack's region.",
      ),
  }),
  receiverRules,
);
