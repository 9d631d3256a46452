import type { Clock } from "../../handlers/lib/core/ports.ts";

/** Virtual time. A sleep runs all events that are due meanwhile, in order. */
export interface EventClock extends Clock {
  /** Seconds since the start. */
  readonly seconds: number;
  /** Runs `event` after this many seconds. */
  after(seconds: number, event: () => void): void;
}

/** See {@link EventClock}. */
export function createEventClock(start = new Date("2026-01-01T00:00:00.000Z")): EventClock {
  let now = start.getTime();
  /** Soonest last. */
  const events: { readonly at: number; readonly happen: () => void }[] = [];

  return {
    get seconds() {
      return (now - start.getTime()) / 1000;
    },
    now: () => new Date(now),
    async sleep(milliseconds) {
      const until = now + milliseconds;
      for (let next = events.at(-1); next && next.at <= until; next = events.at(-1)) {
        events.pop();
        now = Math.max(now, next.at);
        next.happen();
      }
      now = Math.max(now, until);
    },
    after(seconds, happen) {
      const at = now + seconds * 1000;
      const position = events.findLastIndex((event) => event.at > at) + 1;
      events.splice(position, 0, { at, happen });
    },
  };
}
