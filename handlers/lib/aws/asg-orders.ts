import type { CapacityMember, Clock } from "../core/ports.ts";

const prefix = "ordered ";

/** Whether AWS has not launched the member yet, so that nothing can be stopped or tagged. */
export function isOrdered(id: string): boolean {
  return id.startsWith(prefix);
}

/**
 * The members that the group has ordered and AWS has yet to launch, for a given number. Remembers since when each
 * one is known. They have no role, because a floor role must not wait for an instance that may not come.
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
