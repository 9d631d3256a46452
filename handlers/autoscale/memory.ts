/** What one pass leaves for the next in a warm function. Losing it makes the loop more patient, never hastier. */
export interface Memory {
  /** What earlier observations wanted, newest last. */
  recentlyWanted: readonly number[];
  /** Since when agents that had registered are missing in the vendor's list, by name. */
  lostSince: ReadonlyMap<string, Date>;
  /** Since when jobs have been waiting without a pause. */
  queuedSince: Date | undefined;
}

/** That of a cold start. */
export function createMemory(): Memory {
  return { recentlyWanted: [], lostSince: new Map(), queuedSince: undefined };
}
