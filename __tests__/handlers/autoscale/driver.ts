import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { type FleetDeps, runFleet } from "../../../handlers/autoscale/fleet.ts";
import type { Call } from "../../../handlers/lib/core/ports.ts";
import { createLookQueue } from "../../../scripts/simulate/loop/queue.ts";
import { createSharedState } from "../../../scripts/simulate/loop/state.ts";
import type { EventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { silentLog } from "../../../scripts/simulate/world/silence.ts";

/** Drives the loop as it is deployed: a schedule event each minute, wake-ups, messages of its own, single flight. */
export interface LoopDriver {
  /** One pass, and the time to the next call; resolves to what it threw. Now and then a cold start follows. */
  pass(): Promise<Error | undefined>;
  wake(times: number): void;
}

/** Messages come late, twice or never, and SQS refuses some. */
const trouble = { refused: 0.02, lost: 0.05, doubled: 0.1, latestSeconds: 5 };

/** See {@link LoopDriver}. `start` makes what a cold start makes. */
export function createLoopDriver(clock: EventClock, random: () => number, start: () => AutoscaleDeps): LoopDriver {
  const state = createSharedState(clock, () => undefined);
  let calls: Call[] = [];
  const nextLooks = createLookQueue({
    clock,
    random,
    trouble: () => trouble,
    onSend: () => undefined,
    deliver: (dueAt) => calls.push({ by: "message", dueAt }),
  });
  const startFleet = (): FleetDeps => {
    const lease = state.lease();
    const pool = { ...start(), lease };
    return { readPools: () => Promise.resolve([pool]), lease, nextLooks, clock, log: silentLog };
  };
  let fleet = startFleet();
  return {
    wake(times) {
      for (let left = times; left > 0; left -= 1) calls.push({ by: "webhook" });
    },
    async pass() {
      const [call = { by: "schedule" }, ...rest] = calls;
      // One look serves all webhooks that called before it.
      calls = rest.filter(({ by }) => by !== call.by || by === "message");
      const failure = await runFleet(fleet, call).then(
        () => undefined,
        (error: Error) => error,
      );
      if (random() < 0.05) {
        await clock.sleep(20_000);
        fleet = startFleet();
      }
      const nextMinute = (Math.floor(clock.seconds / 60) + 1) * 60;
      while (calls.length === 0 && clock.seconds < nextMinute) await clock.sleep(1_000);
      return failure;
    },
  };
}
