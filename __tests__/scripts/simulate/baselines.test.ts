import { describe, expect, it } from "vitest";
import { burst, simulate } from "./harness.ts";

const hour = 3600;

describe("tfc-counter", () => {
  it("keeps four agents although min is 0, and lets a leaked webhook be paid for", async () => {
    const { hours, days } = await simulate({ policy: "tfc-counter", jobs: burst(1), rules: { max: 10 } });
    expect(hours.idle / (days * 24)).toBeGreaterThan(3);
    expect(hours.idle / (days * 24)).toBeLessThanOrEqual(5);
  });

  it("has ECS kill busy agents when runs end", async () => {
    const jobs = burst(10).map((job, index) => ({ ...job, seconds: 300 + index * 200 }));
    const { killed } = await simulate({ policy: "tfc-counter", jobs, rules: { max: 20 } });
    expect(killed).toBeGreaterThan(0);
  });

  it("never comes back from lost webhooks: that is the counter's error for ever", async () => {
    const jobs = Array.from({ length: 200 }, (_, index) => ({ at: index * 60, seconds: 30 }));
    const peaks = await Promise.all(
      [[], ["webhook-loss"] as const].map((faults) =>
        simulate({ policy: "tfc-counter", jobs, faults, rules: { max: 50 } }),
      ),
    );
    expect(peaks[1]?.hours.idle).not.toBeCloseTo(peaks[0]?.hours.idle ?? 0, 0);
  });
});

describe("ado-decider", () => {
  it("starts nothing for more than ten at once, for ever", async () => {
    const { launches, neverServed } = await simulate({ policy: "ado-decider", jobs: burst(11) });
    expect({ launches, neverServed }).toEqual({ launches: 0, neverServed: 11 });
  });

  it("launches again what still boots", async () => {
    const { launches } = await simulate({ policy: "ado-decider", jobs: burst(4), boot: "200s" });
    expect(launches).toBeGreaterThan(4);
  });

  it("kills nobody, and takes idle agents away", async () => {
    const { killed, hours } = await simulate({ policy: "ado-decider", jobs: burst(5) });
    expect(killed).toBe(0);
    expect(hours.idle).toBeLessThan(0.5);
  });
});

describe("semaphore-scaler", () => {
  it("replaces each agent after its job, until each replacement has idled out", async () => {
    const { launches, killed } = await simulate({ policy: "semaphore-scaler", jobs: burst(5) });
    expect({ launches, killed }).toEqual({ launches: 10, killed: 0 });
  });
});

describe("spacelift-autoscaler", () => {
  it("adds one worker a pass, and none while one boots", async () => {
    const jobs = burst(5, { seconds: 2 * hour });
    const { launches, wait } = await simulate({ policy: "spacelift-autoscaler", jobs, boot: "45s" });
    expect(launches).toBe(5);
    expect(wait.max).toBeGreaterThan(5 * 60);
  });

  it("kills when demand collapses: the group is set down in one step", async () => {
    // A worker is added a minute, so these fourteen end together, and two go on.
    const ending = Array.from({ length: 14 }, (_, index) => ({ at: 0, seconds: 3600 - index * 60 }));
    const jobs = [...burst(2, { seconds: 3 * hour }), ...ending];
    const results = [];
    for (const seed of [1, 2, 3, 4]) results.push(await simulate({ policy: "spacelift-autoscaler", jobs, seed }));
    expect(Math.max(...results.map(({ killed }) => killed))).toBeGreaterThan(0);
  });
});

describe("buildkite-scaler", () => {
  it("with its template's cooldown serves a second burst five minutes later", async () => {
    const jobs = [...burst(2, { seconds: hour }), ...burst(2, { at: 30, seconds: hour })];
    const [slow, fast] = await Promise.all(
      ["buildkite-scaler", "buildkite-scaler-0"].map((policy) => simulate({ policy, jobs })),
    );
    expect(slow?.wait.max).toBeGreaterThan(270);
    expect(fast?.wait.max).toBeLessThan(45 + 15);
  });

  it("uses agents again, and keeps each for ten idle minutes", async () => {
    const jobs = [...burst(1), ...burst(1, { at: 400 })];
    const { launches, hours } = await simulate({ policy: "buildkite-scaler-0", jobs });
    expect(launches).toBe(1);
    expect(hours.idle).toBeGreaterThan(600 / hour);
  });
});

describe("the bounds", () => {
  it("the limit waits for the boot alone, and a reused agent saves launches", async () => {
    const jobs = burst(10);
    const single = await simulate({ policy: "limit-single-use", jobs, rules: { max: 5 } });
    const reuse = await simulate({ policy: "limit-reuse", jobs, rules: { max: 5 } });
    expect(single.wait.p50).toBeLessThan(45 + 3);
    expect({ single: single.launches, reuse: reuse.launches }).toEqual({ single: 10, reuse: 5 });
  });

  it("always-max lets nobody wait and pays for it", async () => {
    const { wait, hours, days } = await simulate({ policy: "always-max", jobs: burst(5, { at: 600 }) });
    expect(wait.max).toBeLessThanOrEqual(2);
    expect(hours.idle + hours.busy).toBeGreaterThan(20 * days * 24 * 0.9);
  });
});
