import { describe, expect, it } from "vitest";
import { burst, simulate } from "./harness.ts";

const pools = [
  { key: "linux", name: "AWS Linux", policy: { max: 4 } },
  { key: "large", name: "AWS Linux large", policy: { min: 1, max: 2 } },
];

describe("a fleet of two pools", () => {
  const linux = burst(8).map((job) => ({ ...job, queue: "linux" }));
  const large = burst(6, { seconds: 300 }).map((job) => ({ ...job, queue: "AWS Linux large" }));

  it("keeps each pool's limits: no job takes another pool's agent", async () => {
    const { peak, served, killed, machineHours } = await simulate({ jobs: [...linux, ...large], fleet: { pools } });
    expect({ peak, served, killed }).toEqual({ peak: 6, served: 14, killed: 0 });
    expect(machineHours).toHaveLength(2);
  });

  it("gives jobs without a queue to the first pool", async () => {
    const { machineHours, days } = await simulate({ jobs: burst(8), fleet: { pools } });
    const floor = days * 24;
    expect(machineHours[0]).toBeGreaterThan((8 * 120) / 3600);
    expect(machineHours[1]).toBeCloseTo(floor, 0);
  });

  it.each(["buildkite-scaler-0", "limit-single-use"])("is run by %s, too: pool by pool", async (policy) => {
    const { served, machineHours } = await simulate({ policy, jobs: [...linux, ...large], fleet: { pools } });
    expect(served).toBe(14);
    expect(machineHours.every((hours) => hours > 0.2)).toBe(true);
  });

  it("is refused where a job is of no pool", async () => {
    const jobs = [{ at: 0, seconds: 1, queue: "mac" }];
    const running = simulate({ jobs, fleet: { pools } });
    await expect(running).rejects.toThrow("test: no pool of the fleet is queue mac");
  });
});
