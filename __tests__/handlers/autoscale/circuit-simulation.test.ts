import { describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { calm } from "../../../scripts/simulate/world/group-trouble.ts";
import { noTrouble, type TaskTrouble } from "../../../scripts/simulate/world/task-trouble.ts";
import { launches } from "../../fixtures/launches.ts";
import { createAutoscaleHarness } from "./harness.ts";
import { defaults, simulateGroup } from "./simulate-group.ts";
import { hour, simulateTasks, type TaskFleet } from "./simulate-tasks.ts";

const busy: TaskFleet = {
  seed: 1,
  min: 0,
  max: 60,
  buffer: 0,
  singleUse: true,
  showsAgents: true,
  keepsRecords: false,
};
const perHour = 217;

/** Lets jobs of four minutes come evenly for some hours, and a last hour pass. */
async function serve(trouble: Partial<TaskTrouble>, fleet: Partial<TaskFleet> = {}, hours = 3) {
  const simulation = simulateTasks({ ...busy, ...fleet }, { rules: { maxAddedPerTick: 50 } });
  const { world, clock, metrics, pass } = simulation;
  world.trouble = { ...noTrouble, ...trouble };
  const jobs = hours * perHour;
  for (let job = 0; job < jobs; job += 1) clock.after((job * hour) / perHour, () => world.queueJob([240]));
  while (clock.seconds < (hours + 1) * hour) await pass();
  const waits = world.waits.toSorted((one, other) => one - other);
  expect(world.violations).toEqual([]);
  return {
    unserved: jobs - world.jobsDone,
    p95: waits[Math.floor(waits.length * 0.95)] ?? Number.POSITIVE_INFINITY,
    circuitOpen: metrics.sum("CircuitOpen"),
    failures: metrics.sum("LaunchFailures"),
    ...simulation,
  };
}

describe("the circuit breaker of a busy fleet", () => {
  it.each([
    true,
    false,
  ])("a fifth of the starts fail: everyone is served, and soon (the vendor shows agents: %s)", async (showsAgents) => {
    const { unserved, p95, failures, circuitOpen } = await serve({ agentCrashesAtBoot: 0.2 }, { showsAgents });
    expect(failures).toBeGreaterThan(2 * 20);
    expect({ unserved, circuitOpen }).toEqual({ unserved: 0, circuitOpen: 0 });
    expect(p95).toBeLessThanOrEqual(150);
  });

  it("a tenth of the agents never come up: everyone is served", async () => {
    const { unserved, failures, circuitOpen } = await serve({ agentHangs: 0.1 });
    expect(failures).toBeGreaterThan(2 * 20);
    expect({ unserved, circuitOpen }).toEqual({ unserved: 0, circuitOpen: 0 });
  });

  it("every start fails from now on: the churn stops within minutes, and one success brings the fleet back", async () => {
    const simulation = simulateTasks(busy, { rules: { maxAddedPerTick: 50 } });
    const { world, clock, metrics, pass } = simulation;
    for (let job = 0; job < 4 * perHour; job += 1) clock.after((job * hour) / perHour, () => world.queueJob([240]));
    while (clock.seconds < hour) await pass();
    expect(metrics.sum("CircuitOpen")).toBe(0);
    world.trouble = { ...noTrouble, agentCrashesAtBoot: 1 };
    const before = world.launches;
    while (clock.seconds < 2.5 * hour) await pass();
    // The floor, those under way when it opens, and one every five minutes.
    expect(world.launches - before).toBeLessThanOrEqual(20 + busy.max + 1.5 * 12);
    expect(metrics.records.at(-1)).toMatchObject({ CircuitOpen: 1 });
    world.trouble = noTrouble;
    const mended = clock.seconds;
    while (metrics.records.at(-1)?.CircuitOpen !== 0) await pass();
    expect(clock.seconds - mended).toBeLessThanOrEqual(300 + 3 * 60);
    while (clock.seconds < 8 * hour) await pass();
    expect(world.jobsDone).toBe(4 * perHour);
    expect(world.violations).toEqual([]);
  });
});

describe("the circuit breaker of a busy group", () => {
  it.each([
    "by-retirement",
    "by-itself",
  ] as const)("a fifth of the boots fail: everyone is served (%s)", async (departure) => {
    const { world, clock, metrics, passUntil } = simulateGroup(
      {
        seed: 1,
        min: 0,
        max: 60,
        buffer: 0,
        singleUse: true,
        departure,
        removalOrder: "oldest-first",
        scaleInAfterObservations: 1,
      },
      { rules: { ...defaults, scaleInCooldownSeconds: 0 } },
    );
    world.trouble = { ...calm, bootFails: 0.2 };
    const bursts = 12;
    for (let burst = 0; burst < bursts; burst += 1) {
      clock.after(burst * 900, () => {
        for (let job = 0; job < 30; job += 1) world.queueJob([240]);
      });
    }
    await passUntil(4 * hour);
    expect(metrics.sum("LaunchFailures")).toBeGreaterThan(20);
    expect([world.jobsDone, metrics.sum("CircuitOpen")]).toEqual([bursts * 30, 0]);
    expect(world.violations).toEqual([]);
  });
});

describe("an open circuit", () => {
  it("is remembered over a cold start, also when some of its failures have become too old to count", async () => {
    const { deps, fleet, clock } = createAutoscaleHarness({ min: 1 });
    const once = { ...deps, tickSeconds: 60 };
    fleet.launchesLastHour = launches(20, "failed", clock.now());
    expect((await runPass(once)).lastDecision).toMatchObject({ circuitOpen: true, launch: [] });
    fleet.launchesLastHour = launches(1, "failed", clock.now());
    clock.advance(299_000);
    const cold = { ...once, memory: createMemory() };
    expect((await runPass(cold)).lastDecision).toMatchObject({ circuitOpen: true, launch: [] });
    clock.advance(1_000);
    expect((await runPass(cold)).lastDecision).toMatchObject({ circuitOpen: true, launch: ["floor"] });
    fleet.launchesLastHour = launches(1, "worked", clock.now());
    expect((await runPass({ ...once, memory: createMemory() })).lastDecision).toMatchObject({ circuitOpen: false });
  });
});
