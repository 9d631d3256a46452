import { describe, expect, it } from "vitest";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { SimulatedFleet } from "../../../scripts/simulate/fleet.ts";
import { cutForSweep, settingsOf, sweep, sweepOf, sweptJobs } from "../../../scripts/simulate/sweep.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { burst } from "./harness.ts";

const fleetOf = (rules: Partial<Policy>): SimulatedFleet => ({
  policy: policyOf(rules),
  tickSeconds: 10,
  idleTimeoutSeconds: 300,
  maxLifetimeSeconds: 86_400,
  webhook: true,
});

describe("the settings that a sweep tries", () => {
  it.each<Partial<Policy>>([
    {},
    { max: 2 },
    { max: 0 },
    { min: 4, buffer: { percent: 20 }, singleUse: false },
  ])("begin with the config's own, are all different, and fit under max: %o", (rules) => {
    const fleet = fleetOf(rules);
    const tried = sweepOf(fleet);
    expect(tried[0]).toEqual(settingsOf(fleet));
    expect(new Set(tried.map((settings) => JSON.stringify(settings))).size).toBe(tried.length);
    for (const { min, buffer } of tried) {
      expect(min).toBeLessThanOrEqual(fleet.policy.max);
      if (typeof buffer === "number") expect(buffer).toBeLessThanOrEqual(fleet.policy.max);
    }
  });

  it("vary each of the four", () => {
    const tried = sweepOf(fleetOf({}));
    const valuesOf = (key: keyof (typeof tried)[number]) => new Set(tried.map((settings) => settings[key])).size;
    expect(valuesOf("buffer")).toBeGreaterThan(2);
    expect(valuesOf("min")).toBeGreaterThan(1);
    expect(valuesOf("idleTimeoutSeconds")).toBeGreaterThan(2);
    expect(valuesOf("singleUse")).toBe(2);
  });

  it("leave out what such a fleet cannot choose: idle timeout and reuse where the loop retires agents", () => {
    const tried = sweepOf(fleetOf({ departure: "by-retirement", canRetire: true }));
    expect(new Set(tried.map(({ idleTimeoutSeconds }) => idleTimeoutSeconds))).toEqual(new Set([300]));
    expect(new Set(tried.map(({ singleUse }) => singleUse))).toEqual(new Set([true]));
  });
});

it("runs each of the settings: the config's own gives what the config gives, a buffer shortens the wait", async () => {
  const jobs = [0, 1800, 3600].flatMap((at) => burst(2, { at }));
  const fleet = fleetOf({ max: 3 });
  const told: number[] = [];
  const points = await sweep(
    { fleet, trace: { name: "test", jobs }, seed: 1, boot: () => 45, faults: new Set() },
    (done) => told.push(done),
  );
  expect(points.map(({ settings }) => settings)).toEqual(sweepOf(fleet));
  expect(told).toEqual(points.map((_, index) => index));
  expect(points.filter(({ isOwn }) => isOwn)).toEqual([points[0]]);
  const ready = points.find(({ settings: { buffer, min, singleUse } }) => buffer === 3 && min === 2 && singleUse);
  expect(points[0]?.result.wait.p50).toBeGreaterThan(45);
  expect(ready?.result.wait.p50).toBeLessThan(5);
});

it("runs a long trace's first jobs only, and all of a short one", () => {
  expect(cutForSweep({ name: "long", jobs: burst(sweptJobs + 1) }).jobs).toHaveLength(sweptJobs);
  expect(cutForSweep({ name: "short", jobs: burst(3) })).toEqual({ name: "short", jobs: burst(3) });
});
