import { describe, expect, it } from "vitest";
import { hour, simulateTasks, type TaskFleet } from "./simulate-tasks.ts";

const fleet: TaskFleet = {
  seed: 3,
  min: 0,
  max: 100,
  buffer: { percent: 50 },
  singleUse: true,
  showsAgents: true,
  keepsRecords: false,
};
const generous = { rules: { maxAddedPerTick: 100 } };

describe("a buffer of so many percent", () => {
  it.each([
    true,
    false,
  ])("is made of agents that stay, under a steady load (the vendor shows agents: %s)", async (showsAgents) => {
    const { world, clock, pass } = simulateTasks({ ...fleet, showsAgents }, generous);
    const hours = 16;
    const perHour = 10;
    const jobs = hours * perHour;
    for (let job = 0; job < jobs; job += 1) clock.after((job * hour) / perHour, () => world.queueJob([hour]));
    while (clock.seconds < hours * hour) await pass();
    expect(world.jobsDone).toBeGreaterThan(jobs - 20);
    // As many as jobs, some for the buffer, and what idles out until the load counts as steady.
    expect(world.launches).toBeLessThanOrEqual(1.5 * jobs);
    expect(world.violations).toEqual([]);
  });

  it("leaves few agents behind after a burst", async () => {
    const { world, clock, pass } = simulateTasks(fleet, generous);
    for (let job = 0; job < 60; job += 1) world.queueJob([600]);
    while (clock.seconds < 2 * hour) await pass();
    expect(world.jobsDone).toBe(60);
    expect(world.living.length).toBeLessThanOrEqual(60 * 0.5 * 0.35);
    while (clock.seconds < 25 * hour) await pass();
    expect(world.living).toEqual([]);
  });
});
