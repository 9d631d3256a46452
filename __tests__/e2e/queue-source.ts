import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import type { AwsFront } from "./aws-front.ts";
import { ask } from "./aws-listings.ts";
import type { DeployedFunction } from "./lambda.ts";

const mappings = z.object({
  EventSourceMappings: z.tuple([
    z.object({
      EventSourceArn: z.string(),
      State: z.literal("Enabled"),
      BatchSize: z.number(),
      FunctionResponseTypes: z.tuple([z.literal("ReportBatchItemFailures")]),
    }),
  ]),
});
const queue = z.object({ QueueUrl: z.string() });
const received = z.object({
  Messages: z
    .array(
      z.object({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Body: z.string(),
        Attributes: z.record(z.string(), z.string()),
      }),
    )
    .default([]),
});
const answered = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

const restMilliseconds = 300;

/**
 * Plays Lambda's part between a queue and a function, by the deployed mapping. It receives messages with the function's
 * role, passes them on, and deletes those that the function did not report as failed.
 */
export async function feedFromQueue(
  target: DeployedFunction,
  { front, region }: { readonly front: AwsFront; readonly region: string },
): Promise<{ stop(): Promise<void> }> {
  const path = `/2015-03-31/event-source-mappings/?FunctionName=${target.name}`;
  const [mapping] = mappings.parse(JSON.parse(await ask(front.url, region, "lambda", path, {}))).EventSourceMappings;
  const { EventSourceArn: eventSourceARN, BatchSize: MaxNumberOfMessages } = mapping;
  const sqs = async (operation: string, input: object, caller?: string) => {
    const headers = { "x-amz-target": `AmazonSQS.${operation}`, "content-type": "application/x-amz-json-1.0" };
    const answer = await ask(
      front.url,
      region,
      "sqs",
      "/",
      { method: "POST", body: JSON.stringify(input), headers },
      caller,
    );
    return JSON.parse(answer || "{}");
  };
  const { QueueUrl } = queue.parse(await sqs("GetQueueUrl", { QueueName: eventSourceARN.split(":").at(-1) }));

  async function takeBatch(): Promise<void> {
    const query = { QueueUrl, MaxNumberOfMessages, AttributeNames: ["All"] };
    const { Messages: messages } = received.parse(await sqs("ReceiveMessage", query, target.name));
    if (messages.length === 0) return;
    const Records = messages.map(({ MessageId, ReceiptHandle, Body, Attributes }) => ({
      messageId: MessageId,
      receiptHandle: ReceiptHandle,
      body: Body,
      attributes: Attributes,
      messageAttributes: {},
      eventSource: "aws:sqs",
      eventSourceARN,
      awsRegion: region,
    }));
    const { batchItemFailures } = answered.parse(await target.invoke({ Records }));
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { MessageId, ReceiptHandle } of messages) {
      if (!failed.has(MessageId)) await sqs("DeleteMessage", { QueueUrl, ReceiptHandle }, target.name);
    }
  }

  let on = true;
  const done = (async () => {
    while (on) {
      await takeBatch();
      await setTimeout(restMilliseconds);
    }
  })();
  done.catch(() => {});
  return {
    stop() {
      on = false;
      return done;
    },
  };
}
