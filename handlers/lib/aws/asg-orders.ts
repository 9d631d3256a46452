import type { CapacityMember, Clock } from "../core/ports.ts";

const prefix = "ordered ";

/** Whether AWS has not launched the member yet, so that nothing can be stopped or tagged. */
export function isOrdered(id: string): boolean {
  return id.startsWith(prefix);
}

/**
 * Since when each of so many orders is known, oldest first. Without further knowledge, the oldest one is filled first.
 */
export function ordersSince<Time>(known: readonly Time[], count: number, now: Time): Time[] {
  const standing = known.slice(Math.max(0, known.length - Math.max(0, count)));
  return [...standing, ...Array.from({ length: Math.max(0, count - standing.length) }, () => now)];
}

/**
 * The members that the group has ordered and AWS has yet to launch, for a given number. Remembers since when each
 * one is known. They have no role, because a floor role must not wait for an instance that may not come.
 */
export function createOrders(clock: Clock): (count: number) => CapacityMember[] {
  /** Oldest first. */
  let since: readonly Date[] = [];
  return (count) => {
    since = ordersSince(since, count, clock.now());
    return since.map((launchedAt, index) => {
      const id = `${prefix}${index + 1}`;
      return { id, agentName: id, role: "burst", phase: "ordered", launchedAt };
    });
  };
}
