import type { Baseline } from "./fleet.ts";

/**
 * The containers that docs/migrating-from-azure-devops-agents.md is about, in their finished state,
 * read in their source:
 *
 * - every 120 s: delta = waiting jobs − idle online agents; agents that still start are not counted;
 * - delta above 0: one RunTask call with this count; above 10 the call fails and nothing starts;
 * - delta below 0: deregistration is tried for every running task, in an order that means nothing; the refusal by the
 *   first busy one ends the pass;
 * - no floor, no ceiling, no cooldown; agents are used again.
 */
export const adoDecider: Baseline = {
  name: "ado-decider",
  singleUse: false,
  start(fleet) {
    fleet.every(120, async () => {
      const { queued, agents } = await fleet.look();
      const idle = agents.filter(({ state }) => state === "idle").length;
      const delta = queued - idle;
      if (delta > 0 && delta <= 10) fleet.launch(delta);
      if (delta >= 0) return;
      const order = agents.filter(({ state }) => state !== "starting").map((agent) => ({ agent, at: fleet.random() }));
      for (const { agent } of order.sort((one, other) => one.at - other.at)) {
        // What it does at this moment counts: the vendor refuses for a job that has come meanwhile.
        if (fleet.agents().find(({ name }) => name === agent.name)?.state !== "idle") return;
        fleet.end(agent.name);
      }
    });
  },
};
