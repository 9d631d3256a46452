import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { growthOf, type Traffic, trafficAfter } from "../../../../handlers/lib/core/traffic.ts";
import { now } from "./arbitraries.ts";

const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const none = { boots: [] };

/** The traffic after looks at these seconds, each with so many jobs. */
function trafficOver(
  looks: readonly (readonly [seconds: number, jobs: number])[],
  start?: Traffic,
): Traffic | undefined {
  return looks.reduce<Traffic | undefined>(
    (known, [seconds, jobs]) => trafficAfter(known, { ...none, jobs }, later(seconds)),
    start,
  );
}

describe("the traffic of the last ten minutes", () => {
  it("begins at nothing, however many jobs the first look shows: nobody knows when they came", () => {
    expect(trafficAfter(undefined, { ...none, jobs: 40 }, now)).toMatchObject({ perSecond: 0, jobs: 40 });
  });

  it("comes to the rate of a steady stream, whatever the rhythm of the looks", () => {
    for (const every of [10, 60]) {
      const looks = Array.from({ length: 7200 / every }, (_, look) => [look * every, (look * every) / 30] as const);
      expect(trafficOver(looks)?.perSecond).toBeCloseTo(1 / 30, 2);
    }
  });

  it("falls to nothing while no job comes, and jobs that end count for nothing", () => {
    const busy = trafficOver([
      [0, 0],
      [10, 30],
    ]);
    expect(busy?.perSecond).toBeCloseTo(30 / 600, 3);
    expect(trafficOver([[20, 2]], busy)?.perSecond).toBeLessThan(busy?.perSecond ?? 0);
    expect(trafficOver([[3600, 0]], busy)?.perSecond).toBeLessThan(0.001);
  });

  it("does not depend on looks that see no change", () => {
    fc.assert(
      fc.property(fc.nat(50), fc.array(fc.nat(300), { maxLength: 10 }), (jobs, steps) => {
        const start = { perSecond: 0.1, bootSeconds: 50, jobs, at: now };
        const end = steps.reduce((sum, step) => sum + step, 0);
        let seconds = 0;
        const looks = steps.map((step) => {
          seconds += step;
          return [seconds, jobs] as const;
        });
        const once = trafficOver([[end, jobs]], start);
        expect(trafficOver([...looks, [end, jobs]], start)?.perSecond).toBeCloseTo(once?.perSecond ?? Number.NaN, 9);
      }),
    );
  });

  it("learns how long agents boot", () => {
    let known = trafficAfter(undefined, { jobs: 0, boots: [] }, now);
    expect(known.bootSeconds).toBe(60);
    for (let look = 0; look < 60; look += 1) known = trafficAfter(known, { jobs: 0, boots: [120] }, now);
    expect(known.bootSeconds).toBeGreaterThan(115);
    expect(known.bootSeconds).toBeLessThanOrEqual(120);
  });

  it("takes no harm from a clock that goes back", () => {
    const known = { perSecond: 0.1, bootSeconds: 50, jobs: 3, at: later(60) };
    expect(trafficAfter(known, { ...none, jobs: 3 }, now).perSecond).toBe(0.1);
  });
});

describe("the forecast", () => {
  it("is the standard deviation of the jobs that come in one boot", () => {
    expect(growthOf({ perSecond: 0.1, bootSeconds: 40, jobs: 0, at: now })).toBe(2);
    expect(growthOf({ perSecond: 0, bootSeconds: 40, jobs: 0, at: now })).toBe(0);
  });
});
