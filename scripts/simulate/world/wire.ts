import type { EventClock } from "./event-clock.ts";

/** Carries out a call, and resolves to its answer or rejects with `failure`. */
export type Wire = <T>(act: () => T, failure: () => Error) => Promise<T>;

/**
 * Calls take time. Half of the failing calls were carried out nevertheless.
 * @param fails returns the probability of a failure, from 0 to 1
 */
export function createWire(clock: EventClock, random: () => number, slowestMs: number, fails: () => number): Wire {
  return (act, failure) => {
    const before = 20 + random() * (slowestMs - 20);
    const after = 5 + random() * 95;
    // One wait in place of two: most simulated time goes by in calls.
    return fails() === 0 ? clock.sleep(before + after).then(act) : callThatMayFail(before, after, act, failure);
  };

  async function callThatMayFail<T>(before: number, after: number, act: () => T, failure: () => Error): Promise<T> {
    await clock.sleep(before);
    const failing = random() < fails();
    if (failing && random() < 0.5) throw failure();
    const answer = act();
    await clock.sleep(after);
    if (failing) throw failure();
    return answer;
  }
}
