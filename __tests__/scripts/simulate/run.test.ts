import { describe, expect, it } from "vitest";
import { policyNames } from "../../../scripts/simulate/index.ts";
import { run } from "../../../scripts/simulate/run.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { burst, simulate, someHours } from "./harness.ts";

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe.each(policyNames)("a run of %s", (policy) => {
  it("counts each job once, and every second of every agent", async () => {
    const result = await simulate({ policy, jobs: someHours });
    expect(result.jobs).toBe(someHours.length);
    expect(result.served + result.neverServed).toBe(someHours.length);
    const work = sum(someHours.map(({ seconds }) => seconds)) / 3600;
    // A killed job begins anew, so it works longer.
    if (result.killed === 0) expect(result.hours.busy).toBeCloseTo(work, 6);
    else expect(result.hours.busy).toBeGreaterThan(work);
    expect(sum(Object.values(result.hours))).toBeLessThanOrEqual(result.peakMachines * result.days * 24 + 1e-6);
    const { p50, p95, p99, max } = result.wait;
    expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].toSorted((one, other) => one - other));
    expect(result.launches).toBeGreaterThan(0);
  });

  it("records what its agents do in each minute, to the second, and all waits", async () => {
    const { timeline, hours, days, waits, wait, peak, served, neverServed } = await simulate({
      policy,
      jobs: someHours,
    });
    const { starting, idle, busy, demand, everySeconds } = timeline;
    expect(new Set([starting, idle, busy, demand].map(({ length }) => length))).toEqual(
      new Set([Math.floor((days * 86_400) / everySeconds)]),
    );
    const sampled = { boot: sum(starting), idle: sum(idle), busy: sum(busy) };
    for (const phase of ["boot", "idle", "busy"] as const) {
      expect(sampled[phase]).toBeCloseTo(hours[phase] * 60, 6);
    }
    for (const [index, at] of busy.entries()) {
      expect(at).toBeLessThanOrEqual((demand[index] ?? 0) + 1e-9);
      expect(at + (idle[index] ?? 0) + (starting[index] ?? 0)).toBeLessThanOrEqual(peak + 1e-9);
    }
    expect(waits).toHaveLength(served + neverServed);
    expect(waits.at(-1)).toBe(wait.max);
  });

  it("is the same with the same seed, and another with another seed", async () => {
    const given = { policy, jobs: someHours, boot: "lognormal:45s,0.3" };
    const [first, again, other] = [await simulate(given), await simulate(given), await simulate({ ...given, seed: 2 })];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });
});

describe("our loop", () => {
  it("lets a job wait for its agent's boot, and little more where a webhook wakes it", async () => {
    const { wait, launches, killed } = await simulate({ jobs: burst(1), boot: "45s" });
    expect(wait.max).toBeGreaterThan(45);
    expect(wait.max).toBeLessThan(45 + 10);
    expect({ launches, killed }).toEqual({ launches: 1, killed: 0 });
  });

  it("waits for the minute's schedule without a webhook", async () => {
    const waits = [];
    for (const seed of [1, 2, 3, 4, 5, 6])
      waits.push((await simulate({ jobs: burst(1), seed, webhook: false })).wait.max);
    expect(Math.max(...waits)).toBeGreaterThan(45 + 20);
    expect(Math.max(...waits)).toBeLessThan(45 + 60 + 10);
  });

  it("launches many at once in little more than the time of one", async () => {
    const { wait } = await simulate({ jobs: burst(20), rules: { max: 20 } });
    expect(wait.max).toBeLessThan(45 + 15);
  });

  it("never has more agents than its ceiling", async () => {
    const { peak, served } = await simulate({ jobs: burst(30), rules: { max: 5 } });
    expect(peak).toBe(5);
    expect(served).toBe(30);
  });

  it("keeps its floor idle, and retires what is idle where agents do not leave by themselves", async () => {
    const rules = { min: 2, departure: "by-retirement", canRetire: true, singleUse: false } as const;
    const { hours, days, killed, peak } = await simulate({ jobs: burst(6), rules });
    expect({ killed, peak }).toEqual({ killed: 0, peak: 6 });
    expect(hours.idle).toBeGreaterThan(2 * days * 24 * 0.8);
    expect(hours.idle).toBeLessThan(2 * days * 24 + 4 * 0.2);
  });

  it("pays for its function: one look a minute while nobody waits, and one a tick where no webhook wakes it", async () => {
    const quiet = await simulate({
      jobs: [
        { at: 0, seconds: 1 },
        { at: 5 * 3600, seconds: 1 },
      ],
    });
    const busy = await simulate({ jobs: burst(1, { seconds: 5 * 3600 }) });
    expect(quiet.functions.seconds / quiet.days).toBeLessThan(3600);
    expect(busy.functions.seconds / busy.days).toBeLessThan(3600);
    expect(busy.functions.failures).toBe(0);
    const alone = await simulate({ jobs: burst(1, { seconds: 5 * 3600 }), webhook: false });
    const looks = alone.functions.invocations / alone.days;
    expect({ many: looks > 7000, tooMany: looks > 10_500 }).toEqual({ many: true, tooMany: false });
  });

  it("has jobs of one workspace wait for one another, outside the queue", async () => {
    const jobs = burst(3, { seconds: 600 }).map((job) => ({ ...job, workspace: "networking" }));
    const { peak, wait, served } = await simulate({ jobs });
    expect({ peak: peak <= 2, served }).toEqual({ peak: true, served: 3 });
    expect(wait.max).toBeLessThan(60);
  });

  it("is refused with the seed where it breaks a promise: here its ceiling rises, and the world's does not", async () => {
    let reads = 0;
    const policy = Object.defineProperty(policyOf(), "max", {
      get() {
        reads += 1;
        return reads === 1 ? 3 : 8;
      },
    });
    const running = run({
      fleet: { policy, tickSeconds: 10, idleTimeoutSeconds: 300, maxLifetimeSeconds: 86_400, webhook: true },
      trace: { name: "bursts.csv", jobs: burst(8) },
      seed: 42,
      boot: () => 45,
      faults: new Set(),
    });
    await expect(running).rejects.toThrow(/broke its promise on bursts\.csv with --seed 42: .*4 agents exist/);
  });

  it("says how far it is", async () => {
    const shares: number[] = [];
    await simulate({ jobs: burst(1), onProgress: (share) => shares.push(share) });
    expect(shares.length).toBeGreaterThan(10);
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
  });
});
