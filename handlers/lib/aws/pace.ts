import type { Clock } from "../core/ports.ts";

/** Resolves when the caller may make its call. */
export type Pace = () => Promise<void>;

/** Allows `calls` in any `milliseconds`, for all its callers together, in the order of their requests. */
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
