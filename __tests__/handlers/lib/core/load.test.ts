import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadAfter } from "../../../../handlers/lib/core/load.ts";
import { now } from "./arbitraries.ts";

const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

describe("the load of the last while", () => {
  it("begins at nothing, and comes to a steady number of jobs within two hours", () => {
    let load = loadAfter(undefined, 50, now);
    expect(load.jobs).toBe(0);
    for (let seconds = 60; seconds <= 7200; seconds += 60) load = loadAfter(load, 50, later(seconds));
    expect(load.jobs).toBeGreaterThan(49);
  });

  it("stays between what it was and the present jobs, and does not depend on how often somebody looks", () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.nat(500),
        fc.array(fc.nat(600), { minLength: 1, maxLength: 20 }),
        (was, jobs, steps) => {
          let often = { jobs: was, at: now };
          let seconds = 0;
          for (const step of steps) {
            seconds += step;
            often = loadAfter(often, jobs, later(seconds));
          }
          const once = loadAfter({ jobs: was, at: now }, jobs, later(seconds));
          expect(often.jobs).toBeCloseTo(once.jobs, 6);
          expect(once.jobs).toBeGreaterThanOrEqual(Math.min(was, jobs) - 1e-9);
          expect(once.jobs).toBeLessThanOrEqual(Math.max(was, jobs) + 1e-9);
        },
      ),
    );
  });

  it("takes no harm from a clock that goes back", () => {
    expect(loadAfter({ jobs: 5, at: later(60) }, 50, now).jobs).toBe(5);
  });
});
