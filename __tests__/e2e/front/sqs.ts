import * as z from "zod";
import { type Bridges, withJson } from "./bridge.ts";
import { jsonOf } from "./exchange.ts";

const sent = z.object({ MessageId: z.string() });
const received = z.looseObject({
  Messages: z
    .array(z.looseObject({ MessageId: z.string(), Attributes: z.record(z.string(), z.string()).default({}) }))
    .optional(),
});

const attributes = z.looseObject({ Attributes: z.looseObject({ RedrivePolicy: z.string().optional() }).optional() });

/**
 * SQS. moto does not:
 *
 * - report who sent a message; we do, for sessions of a role;
 * - answer the redrive policy without spaces, as it was sent.
 */
export function sqsBridges(): Bridges {
  /** By message id. */
  const senders = new Map<string, string>();
  return {
    "sqs:GetQueueAttributes": async (_, forward) =>
      withJson(await forward(), (json) => {
        const { Attributes: told, ...rest } = attributes.parse(json);
        if (told?.RedrivePolicy === undefined) return json;
        return { ...rest, Attributes: { ...told, RedrivePolicy: JSON.stringify(JSON.parse(told.RedrivePolicy)) } };
      }),
    "sqs:SendMessage": async ({ caller }, forward) => {
      const answer = await forward();
      if (answer.status < 300 && caller.startsWith("AROA")) {
        senders.set(sent.parse(jsonOf(answer.body)).MessageId, caller);
      }
      return answer;
    },
    "sqs:ReceiveMessage": async (_, forward) =>
      withJson(await forward(), (json) => {
        const { Messages: messages, ...rest } = received.parse(json);
        const told = messages?.map((message) => {
          const SenderId = senders.get(message.MessageId);
          return SenderId === undefined ? message : { ...message, Attributes: { ...message.Attributes, SenderId } };
        });
        return { ...rest, ...(told && { Messages: told }) };
      }),
  };
}
