import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Clock, Log, NextLooks } from "../core/ports.ts";
import { clientOptions } from "./client-options.ts";

/**
 * Lambda may get a message without a delay before the pass that sends it has noted the look with its lease. Nobody would
 * wait for that message, and the next look would come with the schedule, up to a minute later.
 */
const soonestSeconds = 1;

/** For how long a message is delayed, in whole seconds, so that it comes when a look is due. */
export function delayUntil(dueAt: Date, now: Date): number {
  return Math.max(soonestSeconds, Math.round((dueAt.getTime() - now.getTime()) / 1000));
}

/**
 * Calls for looks by messages of a queue that invokes the loop's function. Each is delayed until the look is due, by up
 * to 15 minutes. SQS may deliver a message late or more than once.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
 */
export function createNextLooks(
  queueUrl: string,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  // Without a way to SQS the pass waits in itself, so it should know soon.
  sqs: SQSClient = new SQSClient({ ...clientOptions, maxAttempts: 2 }),
): NextLooks {
  return {
    async ask(dueAt) {
      try {
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: queueUrl,
            MessageBody: JSON.stringify({ dueAt: dueAt.getTime() }),
            DelaySeconds: delayUntil(dueAt, clock.now()),
          }),
        );
        return true;
      } catch (error) {
        log.warn("SQS took no call for the next look, so this pass waits in itself", { error });
        return false;
      }
    },
  };
}
