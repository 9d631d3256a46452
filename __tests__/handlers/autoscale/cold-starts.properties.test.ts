import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../../handlers/lib/aws/ecs-capacity.ts";
import { createEventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { createFleetWorld } from "../../../scripts/simulate/world/fleet-world.ts";
import { createRandom } from "../../../scripts/simulate/world/random.ts";
import { noTrouble } from "../../../scripts/simulate/world/task-trouble.ts";
import { createLeaseFake, createNotebookFake } from "../../fakes/fleet-state.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { capacityConfig } from "./simulate-tasks.ts";

/** How many worlds; see CONTRIBUTING.md. */
const worlds = Number(process.env.WORLDS ?? 12);

/** A container of the function. Once it has died, nothing that it asks for is done any more. */
function createContainer(random: () => number, deathsPerCall: number) {
  let dead = false;
  const die = () => {
    dead = true;
    return new Error("the container is gone");
  };
  return {
    /** Lets it die before the call, or after it was carried out and before its answer. */
    async call<Answer>(act: () => Promise<Answer>): Promise<Answer> {
      if (dead || random() < deathsPerCall) throw die();
      const answer = await act();
      if (dead || random() < deathsPerCall) throw die();
      return answer;
    },
  };
}

/** All calls of a port, as the container makes them. */
function within<Port extends object>(container: ReturnType<typeof createContainer>, port: Port): Port {
  return new Proxy(port, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...given: unknown[]) => container.call(async () => Reflect.apply(member, target, given));
    },
  });
}

interface Fleet {
  readonly seed: number;
  readonly max: number;
  readonly jobs: number;
  readonly maxAddedPerTick: number;
  readonly deathsPerCall: number;
  readonly slowestRunTask: number;
}

/** Jobs in bursts, and containers that die between any two steps. No lease keeps the next one from acting at once. */
async function live({ seed, max, jobs, maxAddedPerTick, deathsPerCall, slowestRunTask }: Fleet) {
  const random = createRandom(seed);
  const clock = createEventClock();
  const world = createFleetWorld(clock, random, {
    max,
    singleUse: true,
    showsAgents: true,
    keepsRecords: false,
    idleTimeoutSeconds: 120,
    maxLifetimeSeconds: 3600,
    registrationGraceSeconds: 120,
    listingLagSeconds: [0, 10],
  });
  world.trouble = noTrouble;
  const [notebook, capacityNotebook] = [createNotebookFake(), createNotebookFake()];
  let names = 0;
  const start = (): AutoscaleDeps => {
    const container = createContainer(random, deathsPerCall);
    const ecs = world.connect();
    const slow = async (command: never) => {
      if (Object(command).constructor.name === "RunTaskCommand") await clock.sleep(random() * slowestRunTask * 1000);
      return ecs.send(command);
    };
    const client = Object.assign(Object.create(ecs), {
      send: (command: never) => container.call(() => slow(command)),
    });
    return {
      poolName: "ci",
      policy: policyOf({ max, maxAddedPerTick, registrationGraceSeconds: 120 }),
      tickSeconds: 10,
      vendor: within(container, world.vendor),
      capacity: createEcsCapacity(capacityConfig, {
        ecs: client,
        clock,
        notebook: within(container, capacityNotebook),
      }),
      lease: within(container, createLeaseFake()),
      notebook: within(container, notebook),
      memory: createMemory(),
      clock,
      log: createLogFake(),
      metrics: createMetricsFake(),
      newSuffix() {
        names += 1;
        return `n${names}`;
      },
    };
  };
  for (let burst = 0; burst < 4; burst += 1) {
    clock.after(burst * 240, () => {
      for (let job = 0; job < jobs; job += 1) world.queueJob([30 + random() * 200]);
    });
  }
  let coldStarts = 0;
  for (let deps = start(); clock.seconds < 1800; ) {
    const died = await runPass(deps).then(
      () => false,
      () => true,
    );
    if (died || random() < 0.3) {
      coldStarts += 1;
      deps = start();
    }
    await clock.sleep(died ? random() * 3_000 : 10_000);
  }
  return { world, coldStarts };
}

/** 24 of 20: a container died while its launches took longer than their first note lasted. */
const onceExceeded: Fleet = {
  seed: 1255955056,
  max: 20,
  jobs: 60,
  maxAddedPerTick: 50,
  deathsPerCall: 0.005,
  slowestRunTask: 3,
};

describe("a ceiling over cold starts between any two steps, while ECS lists tasks ten seconds late", () => {
  const anyFleet: fc.Arbitrary<Fleet> = fc.record({
    seed: fc.nat(),
    max: fc.integer({ min: 2, max: 25 }),
    jobs: fc.integer({ min: 1, max: 60 }),
    maxAddedPerTick: fc.constantFrom(3, 50),
    deathsPerCall: fc.constantFrom(0, 0.005, 0.02),
    slowestRunTask: fc.constantFrom(0, 3),
  });

  it("is never exceeded", { timeout: 0 }, async () => {
    let coldStarts = 0;
    await fc.assert(
      fc.asyncProperty(anyFleet, async (fleet) => {
        const life = await live(fleet);
        coldStarts += life.coldStarts;
        expect(life.world.violations).toEqual([]);
        expect(life.world.launches).toBeGreaterThan(0);
      }),
      { numRuns: worlds, examples: [[onceExceeded]] },
    );
    expect(coldStarts).toBeGreaterThan(worlds);
  });

  it("is never exceeded by a launch of minutes that a container dies in", { timeout: 0 }, async () => {
    for (let seed = 0; seed < worlds; seed += 1) {
      const life = await live({
        seed,
        max: 60,
        jobs: 80,
        maxAddedPerTick: 60,
        deathsPerCall: 0.01,
        slowestRunTask: 15,
      });
      expect(life.world.violations).toEqual([]);
    }
  });
});
