import type { Baseline } from "./fleet.ts";
import { createGroup } from "./group.ts";

const ticks = 5;
const tickSeconds = 10;

/**
 * The stack that docs/migrating-from-semaphore-aws-stack.md is about, read in its source:
 *
 * - an invocation every minute, with a tick every 10 s: five of them, so that the gap is 10 to 20 s;
 * - target = queued + running, at least `min`, at most `max`; no overprovision, as by default;
 * - only up: desired = target where it is larger. A look that fails skips the tick;
 * - an agent ends after its job, and its instance is replaced one to one;
 * - after 300 s idle it ends itself with decrement; at the group's floor it is replaced.
 */
export const semaphoreScaler: Baseline = {
  name: "semaphore-scaler",
  singleUse: true,
  idleTimeoutSeconds: 300,
  start(fleet) {
    const group = createGroup(fleet, {
      graceSeconds: 0,
      givesUp: (how, desired) => how === "idle" && desired > fleet.min,
    });
    group.set(fleet.min);
    fleet.every(60, async () => {
      for (let left = ticks; left > 0; left -= 1) {
        await fleet.look().then(
          ({ queued, running }) => {
            const target = Math.min(fleet.max, Math.max(fleet.min, queued + running));
            if (target > group.desired) group.set(target);
          },
          () => undefined,
        );
        if (left > 1) await fleet.clock.sleep(tickSeconds * 1000);
      }
    });
  },
};
