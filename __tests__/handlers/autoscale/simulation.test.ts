import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../../handlers/lib/aws/ecs-capacity.ts";
import type { EcsCapacityConfig } from "../../../handlers/lib/settings/ecs-capacity.ts";
import { createEventClock } from "../../fakes/event-clock.ts";
import { createLeaseFake, createNotebookFake } from "../../fakes/fleet-state.ts";
import { createFleetWorld, noTrouble, type Trouble } from "../../fakes/fleet-world.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createLoopDriver, createRandom } from "./driver.ts";

const trouble: Trouble = {
  callFails: 0.03,
  noCapacity: 0.1,
  agentHangs: 0.03,
  agentCrashesAtBoot: 0.02,
  agentIsLate: 0.03,
  jobCrashesAgent: 0.03,
};

const capacityConfig: EcsCapacityConfig = {
  type: "ecs",
  cluster: "ci",
  taskDefinition: "ci:1",
  container: "agent",
  capacityProviders: ["FARGATE_SPOT", "FARGATE"],
  subnets: ["subnet-a", "subnet-b"],
  securityGroups: [],
  assignPublicIp: "false",
  enableExecuteCommand: false,
  nameVariable: "TFC_AGENT_NAME",
};

const hour = 3600;

interface Fleet {
  readonly seed: number;
  readonly min: number;
  readonly max: number;
  readonly buffer: number;
  readonly singleUse: boolean;
  readonly showsAgents: boolean;
  readonly keepsRecords: boolean;
}

const anyFleet: fc.Arbitrary<Fleet> = fc.record({
  seed: fc.nat(),
  min: fc.nat(3),
  max: fc.integer({ min: 3, max: 12 }),
  buffer: fc.nat(2),
  singleUse: fc.boolean(),
  showsAgents: fc.boolean(),
  keepsRecords: fc.boolean(),
});

/** The loop as deployed, over the real ECS adapter, against a world on virtual time. */
function simulate({ seed, min, max, buffer, ...fleet }: Fleet) {
  const random = createRandom(seed);
  const clock = createEventClock();
  const world = createFleetWorld(clock, random, {
    ...fleet,
    max,
    idleTimeoutSeconds: 300,
    maxLifetimeSeconds: 24 * hour,
    registrationGraceSeconds: 120,
    listingLagSeconds: 20,
  });
  const metrics = createMetricsFake();
  const [notebook, capacityNotebook] = [createNotebookFake(), createNotebookFake()];
  let names = 0;
  const start = (): AutoscaleDeps => ({
    poolName: "ci",
    policy: policyOf({
      min,
      max,
      buffer,
      singleUse: fleet.singleUse,
      scaleOutCooldownSeconds: random() < 0.5 ? 0 : 20,
      maxAddedPerTick: 5,
      maxRemovedPerTick: 3,
      registrationGraceSeconds: 120,
    }),
    tickSeconds: 10,
    vendor: world.vendor,
    capacity: createEcsCapacity(capacityConfig, { ecs: world.connect(), clock, notebook: capacityNotebook }),
    lease: createLeaseFake(),
    notebook,
    memory: createMemory(),
    clock,
    log: createLogFake(),
    metrics,
    newSuffix() {
      names += 1;
      return `n${names}`;
    },
  });
  const loop = createLoopDriver(clock, random, start);
  let jobs = 0;
  let stages = 0;

  return {
    world,
    clock,
    metrics,
    jobs: () => jobs,
    stages: () => stages,
    /** Jobs come in bursts; each wakes the loop, not at all, or twice. */
    queueJobs(until: number) {
      for (let at = random() * 600; at < until; at += random() * 1200) {
        for (let burst = 1 + Math.floor(random() * max); burst > 0; burst -= 1) {
          clock.after(at + random() * 30, () => {
            jobs += 1;
            const seconds = () => 20 + random() * 600;
            const job = random() < 0.5 ? [seconds()] : [seconds(), seconds()];
            stages += job.length;
            world.queueJob(job);
            loop.wake(Math.floor(random() * 3));
          });
        }
      }
    },
    pass: loop.pass,
  };
}

describe("the loop against a world", () => {
  it("keeps its promises whatever happens, serves every job, and comes back to its floor", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async (fleet) => {
        const { world, clock, jobs, queueJobs, pass } = simulate(fleet);
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
        const floor = Math.max(fleet.min, fleet.buffer);
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
        const { world, clock, metrics, stages, queueJobs, pass } = simulate({
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
    const { world, clock, jobs, queueJobs, pass } = simulate({
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
