import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createGroups } from "../../../handlers/lib/aws/capacity.ts";
import { type Overrides, underOverrides } from "../../../handlers/lib/core/overrides.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { lowestFloor } from "../../../handlers/lib/core/schedule.ts";
import { createEventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { createGroupWorld } from "../../../scripts/simulate/world/group-world.ts";
import { createRandom } from "../../../scripts/simulate/world/random.ts";
import { bootTimes } from "../../../stacks/config/boot-times.ts";
import { createLeaseFake, createNotebookFake } from "../../fakes/fleet-state.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createLoopDriver } from "./driver.ts";

/** In seconds. */
export const hour = 3600;

/** A fleet on a group, and the world that it lives in. */
export interface GroupFleet {
  readonly seed: number;
  readonly min: number;
  readonly max: number;
  readonly buffer: Policy["buffer"];
  readonly singleUse: boolean;
  readonly departure: Policy["departure"];
  readonly removalOrder: Policy["removalOrder"];
  readonly scaleInAfterObservations: number;
  /** `compute.spotFallback.afterMinutes`. */
  readonly fallbackMinutes?: number | undefined;
}

/** Times and limits that let much happen in a short while. */
export const hasty: Partial<Policy> = { maxAddedPerTick: 5, maxRemovedPerTick: 3, registrationGraceSeconds: 180 };
/** Those of a config file of an ec2-fleet that says nothing of them. */
export const defaults: Partial<Policy> = { registrationGraceSeconds: 600 };

/** The loop as deployed, over the real adapter of groups, against a world on virtual time. */
export function simulateGroup(
  { seed, singleUse: leavesAfterJob, fallbackMinutes, ...fleet }: GroupFleet,
  {
    rules = hasty,
    earliestPowerOffSeconds,
    overridesOf = () => ({}),
  }: { rules?: Partial<Policy>; earliestPowerOffSeconds?: number; overridesOf?: (now: Date) => Overrides } = {},
) {
  const random = createRandom(seed);
  const clock = createEventClock();
  const { min, max, departure } = fleet;
  const singleUse = departure === "by-itself" && leavesAfterJob;
  const policy = policyOf({ ...fleet, ...rules, singleUse, canRetire: true });
  const times = bootTimes(policy.registrationGraceSeconds);
  const boots = { ...times, ...(earliestPowerOffSeconds !== undefined && { earliestPowerOffSeconds }) };
  const world = createGroupWorld(clock, random, {
    min,
    max,
    departure,
    singleUse,
    idleTimeoutSeconds: 300,
    boots,
    spotFallback: fallbackMinutes !== undefined,
  });
  const group = {
    type: "asg",
    group: "ci",
    hook: "agent-fleets-retire",
    bootSeconds: boots.bootSeconds,
    ...(fallbackMinutes !== undefined && { fallback: { group: "ci-on-demand", afterSeconds: fallbackMinutes * 60 } }),
  } as const;
  const notebook = createNotebookFake();
  const capacityNotebooks = {
    first: createNotebookFake(),
    "on-demand": createNotebookFake(),
    fallback: createNotebookFake(),
  };
  const metrics = createMetricsFake();
  let draining = false;
  const loop = createLoopDriver(clock, random, () => ({
    poolName: "ci",
    policy: { ...policy, scaleOutCooldownSeconds: random() < 0.5 ? 0 : 20 },
    tickSeconds: 10,
    inForce: async (kept = 0) => {
      const own = { ...overridesOf(clock.now()), ...(draining && { drain: { since: clock.now() } }) };
      return { ...own, policy: underOverrides(policy, own, Math.min(lowestFloor(policy), kept)) };
    },
    vendor: world.vendor,
    capacity: createGroups(group, { ...world.connect(), clock }, (part) => capacityNotebooks[part ?? "first"]),
    retirements: world.retirements,
    lease: createLeaseFake(),
    notebook,
    memory: createMemory(),
    clock,
    log: createLogFake(),
    metrics,
    newSuffix: () => "unused",
  }));
  let jobs = 0;
  return {
    world,
    clock,
    metrics,
    jobs: () => jobs,
    standing: typeof fleet.buffer === "number" ? Math.max(min, fleet.buffer) : min,
    pass: loop.pass,
    /** What `fleet drain` does: the loop is to drain, and the group keeps nobody by itself. */
    drain() {
      draining = true;
      world.group.min = 0;
      world.mayHaveAgents = false;
    },
    resume() {
      draining = false;
      world.group.min = min;
      world.mayHaveAgents = true;
    },
    async passUntil(seconds: number) {
      while (clock.seconds < seconds) await loop.pass();
    },
    /** Jobs come in bursts; each wakes the loop, not at all, or twice. */
    queueJobs(until: number) {
      for (let at = random() * 600; at < until; at += random() * 1200) {
        for (let burst = 1 + Math.floor(random() * max); burst > 0; burst -= 1) {
          clock.after(at + random() * 30, () => {
            jobs += 1;
            world.queueJob([20 + random() * 600]);
            loop.wake(Math.floor(random() * 3));
          });
        }
      }
    },
  };
}
