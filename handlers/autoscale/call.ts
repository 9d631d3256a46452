import * as z from "zod";
import type { Call } from "../lib/core/ports.ts";

/** What SQS hands to a function: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html. One message at a time. */
const fromQueue = z.object({ Records: z.tuple([z.object({ body: z.string() })]) });

const nextLook = z.object({ dueAt: z.number() });
const wakeUp = z.object({ source: z.literal("wake-up") });

/** Who calls for a look, by the event. Every event that nobody knows is a call of the schedule. */
export function callOf(event: unknown): Call {
  if (wakeUp.safeParse(event).success) return { by: "webhook" };
  const { data: message } = fromQueue.safeParse(event);
  if (message === undefined) return { by: "schedule" };
  const { data: look } = nextLook.safeParse(jsonOf(message.Records[0].body));
  // Nobody waits for a message that nobody understands.
  return { by: "message", dueAt: new Date(look?.dueAt ?? 0) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
