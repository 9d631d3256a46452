/** A job that an agent works on, by the vendor's clock. */
export interface StartedJob {
  /** When an agent took it. */
  readonly at: Date;
  /** How long it had been in the queue by then. */
  readonly waitedSeconds: number;
}

/** The waits that one look reports, and the mark for the next look. */
export interface Waits {
  readonly seconds: readonly number[];
  /** Jobs that an agent took by then are reported. */
  readonly until: Date;
}

/** By so much a vendor's clock may be ahead of ours. Later times are wrong, and would silence all that come. */
const skewMilliseconds = 60_000;

/**
 * The waits of the jobs that an agent took since the last look: pure and total. It reports no job twice. It misses those
 * that begin and end between two looks, and those that the vendor lists later than one that began after them.
 *
 * @param until the mark of the last look; left out: a new fleet, or a lost document. Then nothing is reported, because
 *   some of these jobs may be reported already
 */
export function waitsAfter(until: Date | undefined, started: readonly StartedJob[], now: Date): Waits {
  const credible = started.filter(({ at }) => at.getTime() <= now.getTime() + skewMilliseconds);
  const times = credible.map(({ at }) => at.getTime());
  const newest = times.reduce((a, b) => Math.max(a, b), (until ?? now).getTime());
  if (until === undefined) return { seconds: [], until: new Date(newest) };
  const fresh = credible.filter(({ at }) => at > until);
  return { seconds: fresh.map(({ waitedSeconds }) => Math.max(0, waitedSeconds)), until: new Date(newest) };
}
