import type { Clock } from "../core/ports.ts";

/** Resolves when the caller may make its call. */
export type Pace = () => Promise<void>;

/** Lets `calls` be made in any `milliseconds`, by all its callers together, in the order in which they ask. */
export function createPace({ calls, milliseconds }: { calls: number; milliseconds: number }, clock: Clock): Pace {
  /** When the latest calls may be made, oldest first. */
  const turns: number[] = [];
  return async () => {
    const now = clock.now().getTime();
    const oldest = turns.length < calls ? undefined : turns.shift();
    const turn = oldest === undefined ? now : Math.max(now, oldest + milliseconds);
    turns.push(turn);
    if (turn > now) await clock.sleep(turn - now);
  };
}
