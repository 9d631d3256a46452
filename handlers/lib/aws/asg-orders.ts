import type { CapacityMember, Clock } from "../core/ports.ts";

const prefix = "ordered ";

/** Whether a member is none that AWS has launched: there is nothing to stop or to tag yet. */
export function isOrdered(id: string): boolean {
  return id.startsWith(prefix);
}

/**
 * The members that a group was asked for and AWS has still to launch, given how many. It remembers since when each is known.
 * They get no role: that of the floor must not wait for an instance that may not come.
 */
export function createOrders(clock: Clock): (count: number) => CapacityMember[] {
  /** Oldest first. */
  const since: Date[] = [];
  return (count) => {
    since.splice(0, since.length - Math.max(0, count));
    while (since.length < count) since.push(clock.now());
    return since.map((launchedAt, index) => {
      const id = `${prefix}${index + 1}`;
      return { id, agentName: id, role: "burst", phase: "ordered", launchedAt };
    });
  };
}
