import type { TraceJob } from "./trace-job.ts";
import { TraceError } from "./trace-job.ts";
import { createRandom, drawExponential, drawNormal } from "./world/random.ts";

const prefix = "synthetic:";
const minute = 60;
const hour = 3600;
const day = 24 * hour;

type Random = () => number;

/** Seconds of a job: lognormal with this median. */
function draw(random: Random, median: number, sigma: number): number {
  return Math.max(1, median * Math.exp(sigma * drawNormal(random)));
}

/** By name. Each begins on a Monday at midnight. */
const makers: Readonly<Record<string, (random: Random) => TraceJob[]>> = {
  /** A week of a team: busy from 9 to 17 on workdays, a little at other times. */
  weekday(random) {
    const jobs: TraceJob[] = [];
    for (let at = 0; at < 7 * day; at += minute) {
      const isBusy = at < 5 * day && at % day >= 9 * hour && at % day < 17 * hour;
      if (random() < (isBusy ? 0.5 : 0.01)) jobs.push({ at: at + random() * minute, seconds: draw(random, 120, 1) });
    }
    return jobs;
  },
  /** 14 days: 25 jobs at once every 15 minutes from 9 to 17 on workdays, 120 s each at the median. */
  bursts(random) {
    const jobs: TraceJob[] = [];
    for (let at = 0; at < 14 * day; at += 15 * minute) {
      const isBusy = (at / day) % 7 < 5 && at % day >= 9 * hour && at % day < 17 * hour;
      for (let left = isBusy ? 25 : 0; left > 0; left -= 1) jobs.push({ at, seconds: draw(random, 120, 0.5) });
    }
    return jobs;
  },
  /** 14 days: 300 jobs at 02:00, 300 s each at the median. */
  nightly(random) {
    const jobs: TraceJob[] = [];
    for (let at = 2 * hour; at < 14 * day; at += day) {
      for (let left = 300; left > 0; left -= 1) jobs.push({ at, seconds: draw(random, 300, 0.5) });
    }
    return jobs;
  },
  /** 7 days: 10 erlang. Jobs come by chance, every 30 s on average, and last 300 s on average. */
  poisson(random) {
    const jobs: TraceJob[] = [];
    for (let at = drawExponential(random, 30); at < 7 * day; at += drawExponential(random, 30)) {
      jobs.push({ at, seconds: Math.max(1, drawExponential(random, 300)) });
    }
    return jobs;
  },
};

/** The names of the traces that need no file. */
export const syntheticTraces: readonly string[] = Object.keys(makers).map((name) => prefix + name);

/** Whether this names a trace that needs no file. */
export function isSynthetic(trace: string): boolean {
  return trace.startsWith(prefix);
}

/** The jobs of a synthetic trace: the same ones with the same seed. @throws {TraceError} */
export function synthesize(trace: string, seed: number): TraceJob[] {
  const make = makers[trace.slice(prefix.length)];
  if (!make) throw new TraceError(`there is no ${trace}. Synthetic traces: ${syntheticTraces.join(", ")}`);
  return make(createRandom(seed));
}
