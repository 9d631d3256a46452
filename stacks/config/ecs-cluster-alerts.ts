import * as z from "zod";
import { regionalArn } from "./primitives.ts";

const httpsUrl = z
  .string({ error: "must be an https URL" })
  .refine((value) => URL.canParse(value) && new URL(value).protocol === "https:", { error: "must be an https URL" });

const subscription = z.discriminatedUnion("protocol", [
  z.strictObject({
    protocol: z.literal("email").describe("A mail per alert."),
    address: z.email({ error: "must be an e-mail address" }).describe("It must confirm a mail from AWS once."),
  }),
  z.strictObject({
    protocol: z.literal("https").describe("A POST per alert."),
    url: httpsUrl.describe("It must confirm SNS's first request once."),
  }),
  z.strictObject({
    protocol: z.literal("sqs").describe("A message per alert."),
    queueArn: regionalArn("sqs", "[\\w-]{1,80}(?:\\.fifo)?", "the ARN of an SQS queue").describe(
      "The queue, whose policy must let the output `alerts_topic_arn` send.",
    ),
  }),
  z.strictObject({
    protocol: z.literal("lambda").describe("A call per alert."),
    functionArn: regionalArn("lambda", "function:[\\w-]{1,64}", "the ARN of a Lambda function").describe(
      "A function of this account, which is allowed to be called.",
    ),
  }),
]);

/** Who hears of what goes wrong in a cluster. */
export const alerts = z.strictObject({
  subscriptions: z
    .array(subscription)
    .max(100)
    .default([])
    .describe("Where alerts arrive. What cannot be delivered is kept in a dead-letter queue, which has an alarm."),
});

/** One of the subscriptions of {@link alerts}. */
export type AlertSubscription = z.output<typeof subscription>;
