import * as z from "zod";
import { regionOf } from "../../handlers/lib/core/arn.ts";
import { regionalArn } from "./primitives.ts";
import type { Rule } from "./rules.ts";

const httpsUrl = z
  .string({ error: "must be an https URL" })
  .refine((value) => URL.canParse(value) && new URL(value).protocol === "https:", { error: "must be an https URL" });

const subscription = z.discriminatedUnion("protocol", [
  z.strictObject({
    protocol: z.literal("email").describe("A mail per message."),
    address: z.email({ error: "must be an e-mail address" }).describe("It must confirm a mail from AWS once."),
  }),
  z.strictObject({
    protocol: z.literal("https").describe("A POST per message."),
    url: httpsUrl.describe("It must confirm SNS's first request once."),
  }),
  z.strictObject({
    protocol: z.literal("sqs").describe("A message in a queue."),
    queueArn: regionalArn("sqs", "[\\w-]{1,80}", "the ARN of an SQS queue, and no FIFO queue").describe(
      "The queue, whose policy must let the topic send: output `alarms_topic_arn`.",
    ),
  }),
  z.strictObject({
    protocol: z.literal("lambda").describe("A call per message."),
    functionArn: regionalArn("lambda", "function:[\\w-]{1,64}", "the ARN of a Lambda function").describe(
      "A function of this account and region, which is allowed to be called.",
    ),
  }),
]);

/** Where the messages of a topic arrive. */
export const subscriptions = z
  .array(subscription)
  .max(100)
  .default([])
  .describe("Where messages arrive. What cannot be delivered is kept in a dead-letter queue, which has an alarm.");

/** One of {@link subscriptions}. */
export type Subscription = z.output<typeof subscription>;

/** The stack lets its topic call functions, which it can do in its own region alone. */
export const functionsAreHere: Rule<{
  readonly region: string;
  readonly alarms: { readonly subscriptions: readonly Subscription[] };
}> = {
  path: ["alarms", "subscriptions"],
  reads: [["alarms"], ["region"]],
  check: ({ alarms, region }) =>
    alarms.subscriptions.some((each) => each.protocol === "lambda" && regionOf(each.functionArn) !== region)
      ? `must have functions of the stack's region, ${region}, alone`
      : undefined,
};
