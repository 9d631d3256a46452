import type { Baseline } from "./fleet.ts";
import { createGroup } from "./group.ts";

const maxCreate = 1;
const maxKill = 1;
const straySeconds = 600;

/**
 * Spacelift's autoscaler 2.7.1 with its defaults, read in its source:
 *
 * - one pass every 60 s; where registered workers ≠ desired capacity nothing happens;
 * - demand = busy + pending; desired total = demand, at a utilization of 100 %;
 * - up by `max_create` 1 at most, capped at `max`;
 * - down by `max_kill` 1 of the workers that were not busy, the oldest first: drained, looked at again, then ended. One
 *   found busy is undrained, and its slot is lost;
 * - an instance without a worker after 10 minutes is ended, and replaced;
 * - where desired exceeds the demand by 10 more than `max_create`, the group is set down in one step, and picks victims;
 * - workers are used again.
 */
export const spaceliftAutoscaler: Baseline = {
  name: "spacelift-autoscaler",
  singleUse: false,
  start(fleet) {
    const group = createGroup(fleet, { graceSeconds: 0, givesUp: () => false });
    group.set(fleet.min);
    fleet.every(60, async () => {
      const { queued, running, agents } = await fleet.look();
      endStrays();
      const workers = agents.filter(({ state }) => state !== "starting");
      if (workers.length !== group.desired) return;
      const wanted = Math.min(fleet.max, Math.max(fleet.min, running + queued));
      if (wanted > group.desired) {
        group.set(Math.min(wanted, group.desired + maxCreate));
      } else if (group.desired - wanted - maxCreate >= 10) {
        group.set(wanted);
      } else if (wanted < group.desired) {
        const idle = workers.filter(({ state }) => state === "idle");
        idle.sort((one, other) => one.launchedAt - other.launchedAt);
        for (const worker of idle.slice(0, Math.min(maxKill, group.desired - wanted))) await retire(worker.name);
      }
    });

    /** Its state is read again after the drain; one that was idle then gets no job any more. */
    async function retire(name: string): Promise<void> {
      const { agents } = await fleet.look();
      if (agents.find((agent) => agent.name === name)?.state !== "idle") return;
      fleet.end(name);
      group.set(group.desired - 1);
    }

    function endStrays(): void {
      for (const { name, state, launchedAt } of fleet.agents()) {
        if (state !== "starting" || fleet.clock.seconds - launchedAt <= straySeconds) continue;
        fleet.end(name);
        group.set(group.desired);
      }
    }
  },
};
