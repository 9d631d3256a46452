import type { Task } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../../handlers/lib/aws/ecs-capacity.ts";
import { createEventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { createFleetWorld } from "../../../scripts/simulate/world/fleet-world.ts";
import type { WorldSettings } from "../../../scripts/simulate/world/model.ts";
import { createRandom } from "../../../scripts/simulate/world/random.ts";
import { createLeaseFake, createNotebookFake } from "../../fakes/fleet-state.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createLoopDriver } from "./driver.ts";
import { capacityConfig } from "./simulate-tasks.ts";

const minute = 60;

interface Fleet {
  readonly seed: number;
  readonly singleUse: boolean;
  readonly hosts?: WorldSettings["hosts"];
  readonly failsLate?: (task: Task) => string | undefined;
}

/** So many jobs of one length come at once; tells when the last is done, and what was launched for them. */
async function serve(jobs: number, jobMinutes: number, { seed, singleUse, hosts, failsLate }: Fleet) {
  const random = createRandom(seed);
  const clock = createEventClock();
  const world = createFleetWorld(clock, random, {
    max: 60,
    singleUse,
    showsAgents: true,
    keepsRecords: false,
    idleTimeoutSeconds: 300,
    maxLifetimeSeconds: 24 * 60 * minute,
    registrationGraceSeconds: 300,
    listingLagSeconds: [0, 20],
    ...(hosts && { hosts }),
  });
  if (failsLate) world.failsLate = failsLate;
  const metrics = createMetricsFake();
  let names = 0;
  const config = hosts ? { ...capacityConfig, capacityProviders: ["hosts-apps"] } : capacityConfig;
  const [notebook, capacityNotebook] = [createNotebookFake(), createNotebookFake()];
  const loop = createLoopDriver(clock, random, () => ({
    poolName: "ci",
    policy: policyOf({ max: 60, singleUse }),
    tickSeconds: 10,
    vendor: world.vendor,
    capacity: createEcsCapacity(config, { ecs: world.connect(), clock, notebook: capacityNotebook }),
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
  }));
  for (let job = 0; job < jobs; job += 1) world.queueJob([jobMinutes * minute]);
  const end = clock.seconds + 12 * 60 * minute;
  while (world.jobsDone < jobs && clock.seconds < end) await loop.pass();
  const circuitOpened = metrics.records.some(({ CircuitOpen }) => CircuitOpen === 1);
  return { done: world.jobsDone, minutes: clock.seconds / minute, circuitOpened, world, metrics };
}

const worlds = [1, 2, 3].flatMap((seed) => [true, false].map((singleUse) => ({ seed, singleUse })));

describe("more jobs than the hosts have places", () => {
  const hosts = { places: 10, bootSeconds: 30 };

  it.each(worlds)("20 jobs of 40 minutes on 10 places are done in little more than 80 (%j)", async (fleet) => {
    const { done, minutes, circuitOpened, world, metrics } = await serve(20, 40, { ...fleet, hosts });
    expect({ done, circuitOpened, failures: metrics.sum("LaunchFailures") }).toEqual({
      done: 20,
      circuitOpened: false,
      failures: 0,
    });
    expect(minutes).toBeLessThanOrEqual(1.1 * 80);
    expect(world.violations).toEqual([]);
  });

  it.each(worlds)("60 jobs of 15 minutes on 10 places are done in little more than 90 (%j)", async (fleet) => {
    const { done, minutes, circuitOpened, world, metrics } = await serve(60, 15, { ...fleet, hosts });
    expect({ done, circuitOpened, failures: metrics.sum("LaunchFailures") }).toEqual({
      done: 60,
      circuitOpened: false,
      failures: 0,
    });
    expect(minutes).toBeLessThanOrEqual(1.1 * 90);
    expect(world.violations).toEqual([]);
  });
});

describe("a placement that fails late", () => {
  const noCapacity = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
  const noAddresses =
    "Unexpected EC2 error while attempting to Create Network Interface: InsufficientFreeAddressesInSubnet";
  const pullLimit = "CannotPullContainerError: toomanyrequests: You have reached your unauthenticated pull rate limit.";
  const subnetOf = ({ attachments = [] }: Task) => attachments[0]?.details?.[0]?.value;

  it.each(worlds)("Spot that runs out after RunTask has said yes hands over to on-demand (%j)", async (fleet) => {
    const { done, minutes, circuitOpened, world } = await serve(30, 10, {
      ...fleet,
      failsLate: ({ capacityProviderName }) => (capacityProviderName === "FARGATE_SPOT" ? noCapacity : undefined),
    });
    expect({ done, circuitOpened }).toEqual({ done: 30, circuitOpened: false });
    expect(minutes).toBeLessThanOrEqual(20);
    expect(world.launches).toBeLessThanOrEqual(4 * 30);
  });

  it.each([
    noAddresses,
    pullLimit,
    "Timeout waiting for network interface provisioning to complete.",
  ])("one sick subnet of several hands over to the other and opens no circuit: %s", async (reason) => {
    for (const fleet of worlds) {
      const { done, minutes, circuitOpened, world } = await serve(50, 10, {
        ...fleet,
        failsLate: (task) => (subnetOf(task) === "subnet-a" ? reason : undefined),
      });
      expect({ done, circuitOpened }).toEqual({ done: 50, circuitOpened: false });
      expect(minutes).toBeLessThanOrEqual(20);
      expect(world.launches).toBeLessThanOrEqual(3 * 50);
    }
  });
});
