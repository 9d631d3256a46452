import type { EventClock } from "./world/event-clock.ts";

const levels = ["starting", "idle", "busy", "demand"] as const;
type Level = (typeof levels)[number];

/**
 * How many agents started, were idle and worked, and how many jobs waited or ran (`demand`): the mean of each minute, so
 * that jobs of a schedule are not missed between two looks.
 */
export type Timeline = { readonly everySeconds: number } & { readonly [Each in Level]: readonly number[] };

/** Seconds of each mean. */
export const sampleSeconds = 60;

/** Makes a {@link Timeline}. */
export interface TimelineRecorder {
  /** So many more from now on, or fewer. */
  change(level: Level, by: number): void;
  /** Ends a minute. Call it every {@link sampleSeconds}. */
  sample(): void;
  readonly timeline: Timeline;
}

/** See {@link TimelineRecorder}. */
export function createTimeline(clock: EventClock): TimelineRecorder {
  const samples: { readonly [Each in Level]: number[] } = { starting: [], idle: [], busy: [], demand: [] };
  const now = { starting: 0, idle: 0, busy: 0, demand: 0 };
  /** By level, times seconds, since the last sample. */
  const sums = { starting: 0, idle: 0, busy: 0, demand: 0 };
  let summedAt = clock.seconds;

  return {
    change(level, by) {
      sumUp();
      now[level] += by;
    },
    sample() {
      sumUp();
      for (const level of levels) {
        samples[level].push(sums[level] / sampleSeconds);
        sums[level] = 0;
      }
    },
    timeline: { everySeconds: sampleSeconds, ...samples },
  };

  function sumUp(): void {
    const seconds = clock.seconds - summedAt;
    if (seconds === 0) return;
    for (const level of levels) sums[level] += now[level] * seconds;
    summedAt = clock.seconds;
  }
}
