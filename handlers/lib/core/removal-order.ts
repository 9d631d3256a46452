import type { Agent } from "./model.ts";
import type { Policy } from "./policy.ts";

/**
 * How each order of removal sorts idle agents. Floor agents always go last: the loop would launch them again at the
 * next dip below the floor.
 */
export const removalComparisons: { readonly [Order in Policy["removalOrder"]]: Comparison } = {
  "oldest-first": byFirstDifference(floorLast, oldestFirst),
  "outdated-first": byFirstDifference(floorLast, outdated, oldestFirst),
  "longest-idle-first": byFirstDifference(floorLast, longestIdle, oldestFirst),
};

type Comparison = (a: Agent, b: Agent) => number;

function byFirstDifference(...comparisons: readonly Comparison[]): Comparison {
  return (a, b) => {
    for (const compare of comparisons) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

function floorLast(a: Agent, b: Agent): number {
  return Number(a.role === "floor") - Number(b.role === "floor");
}

/** Sorts agents by age. */
export function oldestFirst(a: Agent, b: Agent): number {
  return a.launchedAt.getTime() - b.launchedAt.getTime();
}

function outdated(a: Agent, b: Agent): number {
  return Number(b.outdated ?? false) - Number(a.outdated ?? false);
}

/** An agent of unknown idle time counts as the youngest: it may just have finished a job. */
function longestIdle(a: Agent, b: Agent): number {
  const since = (agent: Agent) => agent.idleSince?.getTime() ?? Number.MAX_SAFE_INTEGER;
  return since(a) - since(b);
}
