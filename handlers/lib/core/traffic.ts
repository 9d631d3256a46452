/** How fast jobs come, and how long agents take to boot. Kept from one look to the next. */
export interface Traffic {
  /** Jobs that come per second, as a moving average. */
  readonly perSecond: number;
  /** Seconds from the launch of an agent to the first look that shows it registered, as a moving average. */
  readonly bootSeconds: number;
  /** The jobs of the last look. */
  readonly jobs: number;
  readonly at: Date;
}

/** What one look shows of the traffic. */
export interface Sighting {
  /** Jobs that wait or run, or are expected. */
  readonly jobs: number;
  /** Seconds that the agents took to boot which have registered since the last look. */
  readonly boots: readonly number[];
}

/** After this time, a change of the rate counts for about two thirds. */
const memoryMilliseconds = 10 * 60_000;
/** The boot time of a fleet whose agents have not booted yet: assumed. */
const firstBootSeconds = 60;
/** The share of one boot in the average of boots. */
const bootShare = 0.1;

/**
 * The traffic after one more look: pure and total. It counts a job as new where a look shows more jobs than the one
 * before. A job that comes between two looks in which another ends is not seen, and needs no agent more: the other's
 * is free.
 *
 * @param known left out: a new fleet, or a lost document. The average then begins at nothing
 */
export function trafficAfter(known: Traffic | undefined, { jobs, boots }: Sighting, now: Date): Traffic {
  const bootSeconds = boots.reduce(
    (average, seconds) => average + bootShare * (seconds - average),
    known?.bootSeconds ?? firstBootSeconds,
  );
  if (known === undefined) return { perSecond: 0, bootSeconds, jobs, at: now };
  const passed = Math.max(0, now.getTime() - known.at.getTime());
  const came = Math.max(0, jobs - known.jobs);
  const perSecond = Math.exp(-passed / memoryMilliseconds) * known.perSecond + (came / memoryMilliseconds) * 1000;
  return { perSecond, bootSeconds, jobs, at: now };
}

/**
 * By how many jobs the demand is likely to grow while an agent boots: one standard deviation. In a steady fleet as many
 * jobs end as come, so the mean is none. Jobs that come by chance have the square root of their mean as deviation.
 */
export function growthOf({ perSecond, bootSeconds }: Traffic): number {
  return Math.sqrt(perSecond * bootSeconds);
}
