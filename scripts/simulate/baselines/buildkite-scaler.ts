import type { Baseline } from "./fleet.ts";
import { createGroup } from "./group.ts";

/**
 * Buildkite's agent scaler 1.12 with one agent an instance and the defaults of its template, read in its
 * source:
 *
 * - every 10 s: desired = scheduled + running, between `min` and `max`; no buffer, as by default;
 * - out to desired where it is above both the running instances and the group's desired; a cooldown after each, which
 *   is 300 s in the published template and 0 in the code;
 * - +1 where fewer than half of the expected agents are online and the group has settled;
 * - the scaler takes nothing in: an instance leaves after 600 s idle, with decrement, below `min` without;
 * - a look that fails is skipped; agents are used again.
 */
function buildkiteScaler(cooldownSeconds: number): Baseline {
  return {
    name: cooldownSeconds === 0 ? "buildkite-scaler-0" : "buildkite-scaler",
    singleUse: false,
    idleTimeoutSeconds: 600,
    start(fleet) {
      const group = createGroup(fleet, {
        graceSeconds: 0,
        givesUp: (how, desired) => how === "idle" && desired > fleet.min,
      });
      group.set(fleet.min);
      let lastOutAt = Number.NEGATIVE_INFINITY;
      fleet.every(10, async () => {
        const { queued, running, agents } = await fleet.look();
        const jobs = queued + running;
        const online = agents.filter(({ state }) => state !== "starting").length;
        const hasSettled = agents.length === group.desired && agents.every(settledFor300s);
        const dangling = hasSettled && online < group.desired / 2 ? 1 : 0;
        const desired = Math.min(fleet.max, Math.max(fleet.min, jobs) + dangling);
        if (desired <= agents.length || desired <= group.desired) return;
        if (fleet.clock.seconds - lastOutAt < cooldownSeconds) return;
        lastOutAt = fleet.clock.seconds;
        group.set(desired);
      });

      /** How long the group must be at rest is assumed. */
      function settledFor300s({ launchedAt }: { readonly launchedAt: number }): boolean {
        return fleet.clock.seconds - launchedAt > 300;
      }
    },
  };
}

/** With the cooldown of the published template. */
export const buildkiteWithCooldown = buildkiteScaler(300);

/** With the cooldown of the code. */
export const buildkiteWithoutCooldown = buildkiteScaler(0);
