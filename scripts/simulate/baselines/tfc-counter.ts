import type { Baseline } from "./fleet.ts";
import { createGroup } from "./group.ts";

/**
 * The configuration of 2020 that docs/migrating-from-tfc-agent-ecs.md is about, read in its source:
 *
 * - webhook only, no polling: a queued run adds 1, a finished one takes 1 away, floor 0;
 * - the counter starts at the service's desired count of 4;
 * - desired count = min(counter, `max`), so `min` is no floor; `max` as given, not its default of 4;
 * - ECS picks the victims, busy or not: SIGTERM, and SIGKILL after 30 s;
 * - agents are single-use, and the service replaces each.
 *
 * One job of the trace is one run. Runs that end by `policy_soft_failed` are in no trace, so that leak does not show.
 */
export const tfcCounter: Baseline = {
  name: "tfc-counter",
  singleUse: true,
  start(fleet) {
    let counter = 4;
    const service = createGroup(fleet, { graceSeconds: 30, givesUp: () => false });
    const settle = () => service.set(Math.min(counter, fleet.max));
    settle();
    fleet.onWebhook((event) => {
      counter = event === "queued" ? counter + 1 : Math.max(0, counter - 1);
      fleet.ran(0.2);
      settle();
    });
  },
};
