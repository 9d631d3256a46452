import { describe, expect, it } from "vitest";
import { createAutoscaleHarness, runFleetOf } from "./harness.ts";

const day = 86_400_000;

/** A fleet whose image is ten days old. */
function withImage(
  oldest = (now: Date): Promise<Date | undefined> => Promise.resolve(new Date(now.getTime() - 10 * day)),
) {
  const harness = createAutoscaleHarness();
  let asked = 0;
  const images = {
    oldest() {
      asked += 1;
      return oldest(harness.clock.now());
    },
  };
  const pools = [{ ...harness.deps, images }];
  return { ...harness, look: () => runFleetOf(harness, { pools }), asked: () => asked };
}

describe("the age of the image", () => {
  it("is in the record of each look, and is asked for once an hour", async () => {
    const { look, clock, metrics, asked } = withImage();
    await look();
    clock.advance(60_000);
    await look();
    expect(metrics.records.map(({ ImageAgeSeconds }) => ImageAgeSeconds)).toEqual([864_000, 864_060]);
    expect(asked()).toBe(1);
    clock.advance(3_600_000);
    await look();
    expect(asked()).toBe(2);
  });

  it("is not asked for in a look that launches agents, which jobs wait for", async () => {
    const { look, fleet, asked } = withImage();
    fleet.demand = { queued: 2, running: 0 };
    await look();
    expect(fleet.launches.flat()).toHaveLength(2);
    expect(asked()).toBe(0);
  });

  it("is in no record where nobody knows it, which stops nothing", async () => {
    const unknown = withImage(() => Promise.resolve(undefined));
    await unknown.look();
    const failing = withImage(() => Promise.reject(new Error("AccessDenied")));
    await failing.look();
    await failing.look();
    expect(failing.asked()).toBe(1);
    for (const { metrics } of [unknown, failing]) {
      expect(metrics.records.length).toBeGreaterThan(0);
      for (const record of metrics.records) expect(record).not.toHaveProperty("ImageAgeSeconds");
    }
    expect(failing.log.lines.filter(({ level }) => level === "warn")).toHaveLength(1);
  });
});
