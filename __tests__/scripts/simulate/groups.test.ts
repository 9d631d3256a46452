import { describe, expect, it } from "vitest";
import type { Fault } from "../../../scripts/simulate/faults.ts";
import { bootTimes } from "../../../stacks/config/boot-times.ts";
import { burst, type Given, simulate, someHours } from "./harness.ts";

const grace = 600;
const place = { type: "group", boots: bootTimes(grace) } as const;

/** As policyOf of stacks/config makes it for each vendor on instances. */
const vendors = {
  spacelift: { departure: "by-retirement", canRetire: true, registrationGraceSeconds: grace },
  semaphore: { departure: "by-itself", canRetire: true, registrationGraceSeconds: grace },
} as const;

const onGroup = (vendor: keyof typeof vendors, { rules, fleet, ...given }: Given) =>
  simulate({
    boot: "75s",
    webhook: false,
    ...given,
    rules: { ...vendors[vendor], ...rules },
    fleet: { place, ...fleet },
  });

describe.each(["spacelift", "semaphore"] as const)("a fleet of %s on a group", (vendor) => {
  it("lets a job wait for the schedule and the boot of its instance", async () => {
    const { wait, launches, killed } = await onGroup(vendor, { jobs: burst(1) });
    expect(wait.max).toBeGreaterThan(75);
    expect(wait.max).toBeLessThan(75 + 60 + 15);
    expect({ launches, killed }).toEqual({ launches: 1, killed: 0 });
  });

  it("is woken at once by a webhook, where the vendor has one", async () => {
    const waits = await Promise.all(
      [true, false].map(async (webhook) => {
        const { wait, functions } = await onGroup(vendor, {
          jobs: burst(1),
          webhook,
          fleet: { tellsQueuedOnly: true },
        });
        return { max: wait.max, invocations: functions.invocations };
      }),
    );
    const [woken, alone] = waits;
    expect(woken?.max).toBeLessThan(75 + 15);
    expect(woken?.max).toBeLessThan(alone?.max ?? 0);
    const ends = await onGroup(vendor, { jobs: burst(1), webhook: true });
    expect(woken?.invocations).toBeLessThan(ends.functions.invocations);
  });

  it("may sink to the floor of a schedule's entry, as the deployed group may", async () => {
    const schedule = [
      { cron: "0 * * * *", timeZone: "UTC", min: 0 },
      { cron: "30 23 * * *", timeZone: "UTC", min: 4 },
    ];
    const { hours, days, launches, served, killed } = await onGroup(vendor, {
      jobs: [...burst(1), ...burst(1, { at: 3 * 3600 })],
      rules: { min: 4, schedule },
      idleTimeoutSeconds: 60,
    });
    expect({ served, killed, churns: launches > 8 }).toEqual({ served: 2, killed: 0, churns: false });
    expect(hours.idle).toBeLessThan(days * 24);
  });

  it("launches many at once, and never more than its ceiling", async () => {
    const { wait, served } = await onGroup(vendor, { jobs: burst(20), rules: { max: 20 } });
    expect(wait.max).toBeLessThan(75 + 60 + 30);
    expect(served).toBe(20);
    const small = await onGroup(vendor, { jobs: burst(12), rules: { max: 4 } });
    expect(small).toMatchObject({ served: 12, killed: 0, peak: 4 });
    // Auto Scaling launches the next instance while one still ends.
    expect(small.peakMachines).toBeGreaterThanOrEqual(small.peak);
  });

  it("keeps its floor, and ends what is idle above it through retirements", async () => {
    const { hours, days, killed } = await onGroup(vendor, { jobs: burst(6, { at: 1800 }), rules: { min: 2 } });
    expect(killed).toBe(0);
    expect(hours.idle).toBeGreaterThan(2 * days * 24 * 0.6);
    expect(hours.idle).toBeLessThan(2 * days * 24 + 4 * 0.25);
  });

  it("counts each second of each instance once", async () => {
    const { hours, machineHours } = await onGroup(vendor, { jobs: someHours, boot: "lognormal:75s,0.3" });
    const sum = Object.values(hours).reduce((total, value) => total + value, 0);
    expect(machineHours).toHaveLength(1);
    expect(machineHours[0]).toBeCloseTo(sum, 6);
    expect(hours.busy).toBeCloseTo(someHours.reduce((total, { seconds }) => total + seconds, 0) / 3600, 6);
  });

  it("begins with agents.initial instances", async () => {
    const { wait } = await onGroup(vendor, {
      jobs: burst(3, { at: 200 }),
      rules: { scaleInAfterObservations: 60 },
      fleet: { place: { ...place, initial: 3 }, idleTimeoutSeconds: 1800 },
    });
    expect(wait.max).toBeLessThan(75);
  });

  it("is the same with the same seed, and another with another seed", async () => {
    const given = { jobs: someHours, boot: "lognormal:75s,0.3" };
    const [first, again, other] = [
      await onGroup(vendor, given),
      await onGroup(vendor, given),
      await onGroup(vendor, { ...given, seed: 2 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it.each<Fault>([
    "spot-reclaim",
    "launch-refused",
    "task-fails",
    "slow-boot",
    "never-registers",
    "api-down",
  ])("keeps its promises with %s, and serves everybody", async (fault) => {
    const jobs = [...someHours, ...burst(10, { at: 3 * 3600 + 2000, seconds: 1800 })];
    expect(await onGroup(vendor, { jobs, faults: [fault] })).toMatchObject({ killed: 0, neverServed: 0 });
  });

  it("spot-reclaim: jobs are lost to AWS, none is killed by us", async () => {
    const jobs = burst(20, { seconds: 4 * 3600 });
    const { lost, killed } = await onGroup(vendor, { jobs, rules: { max: 20 }, faults: ["spot-reclaim"] });
    expect(lost).toBeGreaterThan(0);
    expect(killed).toBe(0);
  });

  it("goes to On-Demand where Spot has no capacity for long", async () => {
    const fleet = { place: { ...place, fallbackSeconds: 600 } };
    const { served, killed } = await onGroup(vendor, { jobs: burst(5), fleet, faults: ["launch-refused"] });
    expect({ served, killed }).toEqual({ served: 5, killed: 0 });
  });
});
