/** The load of a fleet over the last while: a moving average of its jobs. Kept from one look to the next. */
export interface Load {
  readonly jobs: number;
  readonly at: Date;
}

/** After this time, a change of the load counts for about two thirds. */
const steadyMilliseconds = 30 * 60_000;

/**
 * The load after one more look: pure and total. It weighs each look by the time since the last one, so it depends on
 * neither the number of looks nor their rhythm.
 *
 * @param known left out: a new fleet, whose load begins at nothing
 */
export function loadAfter(known: Load | undefined, jobs: number, now: Date): Load {
  if (known === undefined) return { jobs: 0, at: now };
  const kept = Math.exp(-Math.max(0, now.getTime() - known.at.getTime()) / steadyMilliseconds);
  return { jobs: kept * known.jobs + (1 - kept) * jobs, at: now };
}
