import type { Clock } from "../core/ports.ts";

/** A sliding window: at most `limit` calls in any `windowMilliseconds`, retries included. One per limit of an API. */
export class RateLimiter {
  readonly #taken: number[] = [];

  constructor(
    private readonly limit: number,
    private readonly windowMilliseconds: number,
    private readonly clock: Clock,
  ) {}

  /** Takes a slot and returns 0, or takes none and returns the milliseconds until the next try. */
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
