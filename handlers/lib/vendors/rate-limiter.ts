import type { Clock } from "../core/ports.ts";

/** A sliding window: at most `limit` calls within any `windowMilliseconds`, retries included. One per rule of a vendor's API. */
export class RateLimiter {
  readonly #taken: number[] = [];

  constructor(
    private readonly limit: number,
    private readonly windowMilliseconds: number,
    private readonly clock: Clock,
  ) {}

  /** Takes a slot and returns 0, or takes none and returns the milliseconds after which to ask again. */
  take(): number {
    const now = this.clock.now().getTime();
    while (this.#taken[0] !== undefined && this.#taken[0] <= now - this.windowMilliseconds) this.#taken.shift();
    const oldest = this.#taken[0];
    if (oldest === undefined || this.#taken.length < this.limit) {
      this.#taken.push(now);
      return 0;
    }
    return oldest + this.windowMilliseconds - now;
  }
}
