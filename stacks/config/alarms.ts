import * as z from "zod";
import { regionalArn, uniqueList, wholeNumber } from "./primitives.ts";
import { withRules } from "./rules.ts";

/** Who hears of trouble, and from when on. */
export const alarms = withRules(
  z.strictObject({
    emails: uniqueList(z.email({ error: "must be an e-mail address" }))
      .default([])
      .describe("Addresses subscribed to the fleet's own topic. Each must confirm a mail from AWS once."),
    topicArn: regionalArn("sns", "[\\w-]{1,256}", "the ARN of an SNS topic")
      .optional()
      .describe("An existing SNS topic for all alarms, which must let CloudWatch publish. Left out: one of our own."),
    queueWaitSeconds: wholeNumber(60, 86_400)
      .default(300)
      .describe("How long a job may wait for an agent before an alarm tells."),
  }),
  [
    {
      path: ["emails"],
      reads: [["emails"], ["topicArn"]],
      check: ({ emails, topicArn }) =>
        topicArn !== undefined && emails.length > 0
          ? "must be left out when alarms.topicArn is given: subscriptions belong to that topic"
          : undefined,
    },
  ],
);
