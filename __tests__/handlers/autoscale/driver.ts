import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import type { EventClock } from "../../../scripts/simulate/world/event-clock.ts";

/** Drives the loop as it is deployed: a schedule event each minute, wake-ups between passes, single flight. */
export interface LoopDriver {
  /** One pass, and the time to the next; resolves to what it threw. Now and then a cold start follows. */
  pass(): Promise<Error | undefined>;
  wake(times: number): void;
}

/** See {@link LoopDriver}. `start` makes what a cold start makes. */
export function createLoopDriver(clock: EventClock, random: () => number, start: () => AutoscaleDeps): LoopDriver {
  let deps = start();
  let wakeUps = 0;
  return {
    wake(times) {
      wakeUps += times;
    },
    async pass() {
      wakeUps = 0;
      const failure = await runPass(deps).then(
        () => undefined,
        (error: Error) => error,
      );
      if (random() < 0.05) {
        await clock.sleep(20_000);
        deps = start();
      }
      const nextMinute = (Math.floor(clock.seconds / 60) + 1) * 60;
      while (wakeUps === 0 && clock.seconds < nextMinute) await clock.sleep(1_000);
      return failure;
    },
  };
}
