import { delayUntil } from "../../../handlers/lib/aws/next-looks.ts";
import type { NextLooks } from "../../../handlers/lib/core/ports.ts";
import type { EventClock } from "../world/event-clock.ts";

/** What goes wrong with messages: shares from 0 to 1, and the longest delay in seconds. */
export interface QueueTrouble {
  /** Sends that SQS refuses. */
  readonly refused: number;
  readonly lost: number;
  readonly doubled: number;
  readonly latestSeconds: number;
}

/** SQS as it mostly is. Lambda waits for messages all the time, so they come within a second (assumed). */
export const calmQueue: QueueTrouble = { refused: 0, lost: 0, doubled: 0, latestSeconds: 1 };

/** Time for one send, in milliseconds (assumed). */
const slowestSend = 100;

/**
 * The queue of calls for looks. Messages come late, never early, and in any order.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
 */
export function createLookQueue({
  clock,
  random,
  trouble,
  onSend,
  deliver,
}: {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly trouble: () => QueueTrouble;
  readonly onSend: () => void;
  readonly deliver: (dueAt: Date) => void;
}): NextLooks {
  return {
    async ask(dueAt) {
      const { refused, lost, doubled, latestSeconds } = trouble();
      onSend();
      await clock.sleep(10 + random() * (slowestSend - 10));
      if (random() < refused) return false;
      const seconds = delayUntil(dueAt, clock.now());
      const copies = random() < lost ? 0 : random() < doubled ? 2 : 1;
      for (let left = copies; left > 0; left -= 1) {
        clock.after(seconds + random() * latestSeconds, () => deliver(dueAt));
      }
      return true;
    },
  };
}
