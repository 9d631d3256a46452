import { describe, expect, it } from "vitest";
import { burst, simulate } from "./harness.ts";

const jobs = Array.from({ length: 40 }, (_, index) => ({ at: index * 60, seconds: 200 }));
const clean = () => simulate({ jobs });

describe("a fault", () => {
  it("api-down: passes fail, jobs wait until it is back, and all are served", async () => {
    const late = burst(5, { at: 4 * 3600 - 900 });
    const { wait, functions, neverServed, killed } = await simulate({
      jobs: [...burst(1), ...late],
      faults: ["api-down"],
    });
    expect(functions.failures).toBeGreaterThan(10);
    expect(wait.max).toBeGreaterThan(900);
    expect(wait.max).toBeLessThan(900 + 180);
    expect({ neverServed, killed }).toEqual({ neverServed: 0, killed: 0 });
  });

  it("webhook-loss and webhook-double change only when the loop acts, never what it does", async () => {
    const { launches } = await clean();
    for (const fault of ["webhook-loss", "webhook-double"] as const) {
      const result = await simulate({ jobs, faults: [fault] });
      expect(result).toMatchObject({ launches, served: jobs.length, killed: 0 });
    }
  });

  it("spot-reclaim: jobs are lost to AWS, none is killed by us, and all are served in the end", async () => {
    const long = burst(20, { seconds: 4 * 3600 });
    const { lost, killed, neverServed, launches } = await simulate({ jobs: long, faults: ["spot-reclaim"] });
    expect(lost).toBeGreaterThan(0);
    expect({ killed, neverServed }).toEqual({ killed: 0, neverServed: 0 });
    expect(launches).toBe(20 + lost);
  });

  it("launch-refused: the next tick tries again", async () => {
    const bursts = [0, 1, 2].flatMap((index) => burst(20, { at: index * 1200 }));
    const { wait, served } = await simulate({ jobs: bursts, faults: ["launch-refused"] });
    expect(served).toBe(bursts.length);
    expect(wait.max).toBeGreaterThan((await simulate({ jobs: bursts })).wait.max);
    expect(wait.max).toBeLessThan(45 + 60);
  });

  it("task-fails and never-registers cost launches", async () => {
    const { launches } = await clean();
    for (const fault of ["task-fails", "never-registers"] as const) {
      const result = await simulate({ jobs, faults: [fault] });
      expect(result.launches, fault).toBeGreaterThan(launches);
      expect(result.killed).toBe(0);
    }
  });

  it("slow-boot: one in ten boots ten times as long", async () => {
    const { wait, hours, served } = await simulate({ jobs, faults: ["slow-boot"] });
    const usual = await clean();
    expect(hours.boot).toBeGreaterThan(1.3 * usual.hours.boot);
    expect(wait.max).toBeGreaterThan(usual.wait.max);
    expect(served).toBe(jobs.length);
  });

  it("hosts-full: tasks wait for a host, ECS gives some of them up, and all jobs are served", async () => {
    const late = burst(5, { at: 4 * 3600 - 2300 });
    const given = { jobs: [...burst(1), ...late], fleet: { place: { type: "hosts" } } } as const;
    const { wait, launches, neverServed, killed } = await simulate({ ...given, faults: ["hosts-full"] });
    expect(wait.max).toBeGreaterThan(2300);
    expect(wait.max).toBeLessThan(2300 + 600);
    expect(launches).toBeGreaterThan(given.jobs.length);
    expect({ neverServed, killed }).toEqual({ neverServed: 0, killed: 0 });
    const usual = await simulate(given);
    expect(usual.wait.max).toBeLessThan(45 + 20);
  });

  it("hosts-full changes nothing where agents run on Fargate", async () => {
    expect(await simulate({ jobs, faults: ["hosts-full"] })).toEqual(await simulate({ jobs }));
  });

  it("cold-start: a loop that forgets what is in memory launches nothing twice", async () => {
    const { launches, functions } = await clean();
    const cold = await simulate({ jobs, faults: ["cold-start"] });
    expect(cold).toMatchObject({ launches, served: jobs.length, killed: 0 });
    expect(functions.failures + cold.functions.failures).toBe(0);
  });

  it("queue-trouble: the schedule makes lost calls good, and doubled ones cost no launch", async () => {
    for (const webhook of [true, false]) {
      const { launches } = await simulate({ jobs, webhook });
      const result = await simulate({ jobs, webhook, faults: ["queue-trouble"] });
      expect(result).toMatchObject({ launches, served: jobs.length, killed: 0 });
      expect(result.wait.max).toBeLessThan(45 + 2 * 60 + 10);
    }
  });

  it("keeps our promises with all of them at once", async () => {
    const all = ["api-down", "webhook-loss", "webhook-double", "spot-reclaim", "launch-refused", "task-fails"] as const;
    const faults = [...all, "slow-boot", "never-registers", "queue-trouble", "cold-start"] as const;
    for (const seed of [1, 2]) expect(await simulate({ jobs, faults, seed })).toMatchObject({ killed: 0 });
  });
});
