import * as z from "zod";
import { regionOf } from "../../handlers/lib/core/arn.ts";
import { httpsUrl, regionalArn } from "./primitives.ts";
import type { Rule } from "./rules.ts";

const subscription = z.discriminatedUnion("protocol", [
  z.strictObject({
    protocol: z.literal("email").describe("One mail per message."),
    address: z
      .email({ error: "must be an e-mail address" })
      .describe("The address. Its owner must confirm a mail from AWS once."),
  }),
  z.strictObject({
    protocol: z.literal("https").describe("One POST request per message."),
    url: httpsUrl.describe(
      "The URL, such as that of PagerDuty's or Opsgenie's integration for CloudWatch. It must confirm the first request from SNS.",
    ),
    autoConfirms: z
      .boolean()
      .default(false)
      .describe(
        "Whether the receiver confirms by itself and at once, as PagerDuty does. Deployments then wait for it and fail without it, and " +
          "a destroy removes the subscription; SNS keeps an unconfirmed one for two days.",
      ),
  }),
  z.strictObject({
    protocol: z.literal("sqs").describe("One queue message per message."),
    queueArn: regionalArn("sqs", "[\\w-]{1,80}", "the ARN of a standard SQS queue (not FIFO)").describe(
      "The queue. Its policy must let the topic send (output `alarms_topic_arn`).",
    ),
  }),
  z.strictObject({
    protocol: z.literal("lambda").describe("One call per message."),
    functionArn: regionalArn("lambda", "function:[\\w-]{1,64}", "the ARN of a Lambda function").describe(
      "A function in this account and region. The stack lets the topic call it.",
    ),
  }),
]);

/** Receivers of a topic's messages. */
export const subscriptions = z
  .array(subscription)
  .max(100)
  .default([])
  .describe("Receivers of messages. A dead-letter queue with its own alarm keeps messages that SNS cannot deliver.");

/** One of {@link subscriptions}. */
export type Subscription = z.output<typeof subscription>;

/** The stack gives its topic the right to call functions. It can do that only in its own region. */
export const functionsAreHere: Rule<{
  readonly region: string;
  readonly alarms: { readonly subscriptions: readonly Subscription[] };
}> = {
  path: ["alarms", "subscriptions"],
  reads: [["alarms"], ["region"]],
  check: ({ alarms, region }) =>
    alarms.subscriptions.some((each) => each.protocol === "lambda" && regionOf(each.functionArn) !== region)
      ? `must only have functions in the stack's region, ${region}`
      : undefined,
};
