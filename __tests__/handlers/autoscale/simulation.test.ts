import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noTrouble, type TaskTrouble } from "../../../scripts/simulate/world/task-trouble.ts";
import { hour, simulateTasks, type TaskFleet } from "./simulate-tasks.ts";

const trouble: TaskTrouble = {
  ...noTrouble,
  callFails: 0.03,
  noCapacity: 0.1,
  agentHangs: 0.03,
  agentCrashesAtBoot: 0.02,
  agentIsLate: 0.03,
  jobCrashesAgent: 0.03,
};

const anyFleet: fc.Arbitrary<TaskFleet> = fc.record({
  seed: fc.nat(),
  min: fc.nat(3),
  max: fc.integer({ min: 3, max: 12 }),
  buffer: fc.nat(2),
  singleUse: fc.boolean(),
  showsAgents: fc.boolean(),
  keepsRecords: fc.boolean(),
});

describe("the loop against a world", () => {
  it("keeps its promises whatever happens, serves every job, and comes back to its floor", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async (fleet) => {
        const { world, clock, jobs, queueJobs, pass } = simulateTasks(fleet);
        world.trouble = trouble;
        queueJobs(1.5 * hour);
        while (clock.seconds < 1.5 * hour) {
          await pass();
          expect(world.violations).toEqual([]);
        }
        world.trouble = noTrouble;
        const end = clock.seconds + 6 * hour;
        while (world.jobsDone < jobs() && clock.seconds < end) await pass();
        expect({ done: world.jobsDone, queued: world.queued }).toEqual({ done: jobs(), queued: 0 });

        const quietFrom = clock.seconds + 1.2 * hour;
        while (clock.seconds < quietFrom) await pass();
        const standing = world.living;
        const floor = Math.max(fleet.min, Number(fleet.buffer));
        expect(standing.length).toBeGreaterThanOrEqual(floor);
        expect(standing.length).toBeLessThanOrEqual(floor + world.cameLate);
        expect(standing.filter(({ role }) => role !== "floor")).toEqual([]);
        if (fleet.showsAgents) expect(standing.every(({ state }) => state === "idle")).toBe(true);

        const { launches } = world;
        for (let minutes = 0; minutes < 10; minutes += 1) expect(await pass()).toBeUndefined();
        expect(world.launches).toBe(launches);
        expect(world.violations).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it("launches one single-use agent per job and stage while nothing goes wrong, and takes none for failed", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async (fleet) => {
        const { world, clock, metrics, stages, queueJobs, pass } = simulateTasks({
          ...fleet,
          min: 0,
          buffer: 0,
          singleUse: true,
        });
        queueJobs(0.5 * hour);
        while (clock.seconds < 3 * hour) await pass();
        expect(world.living).toEqual([]);
        expect(world.launches).toBe(stages());
        expect(metrics.sum("LaunchFailures")).toBe(0);
      }),
      { numRuns: 10 },
    );
  });

  it("stops launching where no agent ever comes up, and serves the jobs within an hour of the end of the trouble", async () => {
    const { world, clock, jobs, queueJobs, pass } = simulateTasks({
      seed: 1,
      min: 2,
      max: 10,
      buffer: 0,
      singleUse: true,
      showsAgents: true,
      keepsRecords: true,
    });
    world.trouble = { ...noTrouble, agentCrashesAtBoot: 0.5, agentHangs: 1 };
    queueJobs(0.1 * hour);
    while (clock.seconds < 2 * hour) await pass();
    const perHour = 20 - 1 + 10;
    expect(world.launches).toBeGreaterThan(20);
    expect(world.launches).toBeLessThanOrEqual(2 * perHour);
    world.trouble = noTrouble;
    while (clock.seconds < 3.5 * hour) await pass();
    expect(world.jobsDone).toBe(jobs());
  });
});
