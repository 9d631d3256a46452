import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** Virtual time, with discrete events. It moves on only while somebody sleeps, and all who can go on have done so. */
export interface EventClock extends Clock {
  /** Seconds since the start. */
  readonly seconds: number;
  /** Runs `event` after this many seconds. */
  after(seconds: number, event: () => void): void;
  /** Time ends: nothing happens any more, and nobody who sleeps wakes up. */
  stop(): void;
}

const turnsAtOnce = 5000;
/** Its reactions are microtasks like those of queueMicrotask, for a third of the cost. */
const settled = Promise.resolve();

interface Event {
  readonly at: number;
  readonly happen: () => void;
  readonly wakes: boolean;
}

/** See {@link EventClock}. Events of the same instant happen in the order in which they were asked for. */
export function createEventClock(start = new Date("2026-01-01T00:00:00.000Z")): EventClock {
  let now = start.getTime();
  /** Soonest last: most events are due soon. */
  const events: Event[] = [];
  let sleepers = 0;
  let isDue = false;
  let turns = 0;

  return {
    get seconds() {
      return (now - start.getTime()) / 1000;
    },
    now: () => new Date(now),
    sleep(milliseconds) {
      sleepers += 1;
      return new Promise((resolve) => {
        add({ at: now + Math.max(0, milliseconds), happen: resolve, wakes: true });
        moveOnLater();
      });
    },
    after(seconds, happen) {
      add({ at: now + Math.max(0, seconds) * 1000, happen, wakes: false });
    },
    stop() {
      sleepers = 0;
      events.length = 0;
    },
  };

  function add(event: Event): void {
    let [low, high] = [0, events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((events[middle]?.at ?? 0) > event.at) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
  }

  /**
   * Node runs a tick when no promise is left to go on, but ticks that ticks ask for come before promises. Now and then
   * Node gets to see signals and timers.
   */
  function moveOnLater(): void {
    if (isDue) return;
    isDue = true;
    turns += 1;
    if (turns % turnsAtOnce === 0) setImmediate(moveOn);
    else void settled.then(afterPromises);
  }

  function afterPromises(): void {
    process.nextTick(moveOn);
  }

  /** One event at a time: it may have begun something that goes on before the next. */
  function moveOn(): void {
    isDue = false;
    const next = sleepers > 0 ? events.pop() : undefined;
    if (!next) return;
    now = next.at;
    if (next.wakes) sleepers -= 1;
    next.happen();
    if (sleepers > 0) moveOnLater();
  }
}
