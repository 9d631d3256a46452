import type { Baseline } from "./fleet.ts";

/**
 * An oracle: it launches an agent the moment a job waits that no agent is there or on its way for, and each agent ends
 * as soon as it idles. Like our loop, it has at most `max` tasks that ECS has not yet stopped. With reuse an agent that
 * idles first takes a waiting job.
 */
function limit(name: string, singleUse: boolean): Baseline {
  return {
    name,
    singleUse,
    // An agent looks for a job within two seconds.
    idleTimeoutSeconds: 2,
    start(fleet) {
      let isLaunching = false;
      const settle = () => {
        if (isLaunching || fleet.queued() === 0) return;
        const agents = fleet.agents();
        const free = agents.filter(({ state }) => state !== "busy").length;
        // Each launch is a change, too.
        isLaunching = true;
        fleet.launch(Math.max(0, Math.min(fleet.queued() - free, fleet.max - fleet.tasks())));
        isLaunching = false;
      };
      fleet.onChange(settle);
      // For launches that AWS refused.
      const again = () => {
        settle();
        fleet.clock.after(10, again);
      };
      again();
    },
  };
}

/** Single-use agents, without delay. */
export const limitSingleUse = limit("limit-single-use", true);

/** Agents that are used again, without delay. */
export const limitReuse = limit("limit-reuse", false);

/** `max` agents for ever, used again. */
export const alwaysMax: Baseline = {
  name: "always-max",
  singleUse: false,
  start(fleet) {
    const again = () => {
      fleet.launch(fleet.max - fleet.agents().length);
      fleet.clock.after(10, again);
    };
    again();
  },
};
