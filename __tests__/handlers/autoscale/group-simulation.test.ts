import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { removalOrders } from "../../../handlers/lib/core/policy.ts";
import { calm, type GroupTrouble } from "../../../scripts/simulate/world/group-trouble.ts";
import { bootTimes } from "../../../stacks/config/boot-times.ts";
import { defaults, type GroupFleet, hour, simulateGroup } from "./simulate-group.ts";

const trouble: GroupTrouble = {
  ...calm,
  callFails: 0.02,
  noCapacity: 0.1,
  bootFails: 0.03,
  agentIsLate: 0.05,
  reclaims: 0.05,
  refreshes: 0.05,
  workflowDies: 0.1,
  noticeLost: 0.1,
  staleList: 0.1,
};

const never = 1_000_000;

const anyFleet: fc.Arbitrary<GroupFleet> = fc.record({
  seed: fc.nat(),
  min: fc.nat(3),
  max: fc.integer({ min: 3, max: 12 }),
  buffer: fc.oneof(fc.nat(2), fc.record({ percent: fc.constantFrom(10, 50) })),
  singleUse: fc.boolean(),
  departure: fc.constantFrom("by-itself" as const, "by-retirement" as const),
  removalOrder: fc.constantFrom(...removalOrders),
  scaleInAfterObservations: fc.constantFrom(1, 4),
  fallbackMinutes: fc.constantFrom(undefined, 5, 20),
});

/** Spacelift agents take job after job until they are retired. */
const likeSpacelift = { departure: "by-retirement", singleUse: false } as const;
/** Semaphore agents leave after a job or idle time; nobody sees them but their instances. */
const likeSemaphore = { departure: "by-itself", singleUse: true } as const;
const plain: GroupFleet = {
  ...likeSpacelift,
  seed: 1,
  min: 0,
  max: 10,
  buffer: 0,
  removalOrder: "oldest-first",
  scaleInAfterObservations: 1,
};

describe("the loop over a group, against a world", () => {
  it("keeps its promises whatever happens, serves every job, and comes back to its floor", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, async (fleet) => {
        const { world, clock, jobs, queueJobs, pass, passUntil, standing } = simulateGroup(fleet);
        world.trouble = trouble;
        queueJobs(1.5 * hour);
        while (clock.seconds < 1.5 * hour) {
          await pass();
          expect(world.violations).toEqual([]);
        }
        world.trouble = calm;
        const end = clock.seconds + 6 * hour;
        while (world.jobsDone < jobs() && clock.seconds < end) await pass();
        expect({ done: world.jobsDone, queued: world.queued }).toEqual({ done: jobs(), queued: 0 });

        await passUntil(clock.seconds + 1.5 * hour);
        const desired = world.group.desired + world.onDemandGroup.desired;
        expect({ living: world.living.length, desired }).toEqual({
          living: standing,
          desired: standing,
        });
        expect(world.living.filter(({ state, locked }) => state !== "idle" || locked)).toEqual([]);

        const { launches, terminations } = world;
        for (let minutes = 0; minutes < 20; minutes += 1) expect(await pass()).toBeUndefined();
        expect([world.launches, world.terminations]).toEqual([launches, terminations]);
        expect(world.violations).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ["Spacelift", likeSpacelift],
    ["Semaphore", likeSemaphore],
  ])("%s defect 1: launches an agent per job, none anew when jobs end, and all are gone in the end", async (_, kind) => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, ...kind });
    for (let job = 0; job < 6; job += 1) world.queueJob([900 + 60 * job]);
    await passUntil(hour);
    expect(world).toMatchObject({ jobsDone: 6, launches: 6, terminations: 6, living: [] });
    expect(world.group.desired).toBe(0);
    expect(metrics.sum("LaunchFailures")).toBe(0);
  });

  it.each([
    ["Spacelift", likeSpacelift],
    ["Semaphore", likeSemaphore],
    ["Semaphore", { departure: "by-itself", singleUse: false } as const],
  ])("%s defect 1: keeps an idle floor and buffer for hours without a single launch", async (_, kind) => {
    const { world, passUntil } = simulateGroup({ ...plain, ...kind, min: 1, buffer: 3 });
    await passUntil(0.25 * hour);
    expect(world.launches).toBe(3);
    await passUntil(6 * hour);
    expect(world).toMatchObject({ launches: 3, terminations: 0 });
  });

  it("Spacelift defect 9: stops the churn where no agent ever comes up, and serves the jobs when one does again", async () => {
    const { world, jobs, queueJobs, passUntil } = simulateGroup(
      { ...plain, min: 2 },
      { earliestPowerOffSeconds: never },
    );
    world.trouble = { ...calm, bootFails: 1 };
    queueJobs(0.1 * hour);
    await passUntil(3 * hour);
    expect(world.launches).toBeGreaterThan(20);
    expect(world.launches).toBeLessThanOrEqual(3 * (20 - 1 + 10));
    world.trouble = calm;
    await passUntil(5 * hour);
    expect(world.jobsDone).toBe(jobs());
  });

  it("Spacelift defect 9: opens the circuit too where instances power themselves off before anybody misses them", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, min: 2 }, { earliestPowerOffSeconds: 0 });
    world.trouble = { ...calm, bootFails: 1 };
    await passUntil(hour);
    expect(metrics.sum("CircuitOpen")).toBeGreaterThan(0);
  });

  it("Semaphore, fault B2: a broken AMI opens the circuit though nobody shows agents, and the churn stops", async () => {
    const { world, metrics, jobs, queueJobs, passUntil } = simulateGroup(
      { ...plain, ...likeSemaphore },
      { rules: defaults },
    );
    world.trouble = { ...calm, bootFails: 1 };
    queueJobs(0.1 * hour);
    await passUntil(hour);
    expect(metrics.sum("CircuitOpen")).toBeGreaterThan(0);
    expect(metrics.sum("LaunchFailures")).toBeGreaterThanOrEqual(15);
    expect(world.launches).toBeGreaterThanOrEqual(20);
    expect(world.launches).toBeLessThan(2 * 20);
    const { launches } = world;
    await passUntil(2 * hour);
    expect(world.launches - launches).toBeLessThan(2 * 20);
    expect(world.violations).toEqual([]);
    world.trouble = calm;
    await passUntil(4 * hour);
    expect(world.jobsDone).toBe(jobs());
  });

  it("Semaphore, fault B2: at a floor, where a group replaces whatever the loop does, the cap holds all the same", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, ...likeSemaphore, min: 4 }, { rules: defaults });
    world.trouble = { ...calm, bootFails: 1 };
    await passUntil(2 * hour);
    expect(metrics.sum("CircuitOpen")).toBeGreaterThan(0);
    const replacedByTheGroup = (4 * 2 * hour) / bootTimes(600).earliestPowerOffSeconds;
    expect(world.launches).toBeLessThanOrEqual(2 * 20 + replacedByTheGroup);
    expect(world.violations).toEqual([]);
  });

  it("Semaphore, fault B2: a healthy fleet of short jobs counts no failed launch, even where nobody releases what leaves", async () => {
    for (const workflowDies of [0, 1]) {
      const { world, metrics, passUntil } = simulateGroup({ ...plain, ...likeSemaphore, max: 20 }, { rules: defaults });
      world.trouble = { ...calm, workflowDies };
      for (let minutes = 0; minutes < 120; minutes += 4) {
        for (let job = 0; job < 2; job += 1) world.queueJob([120]);
        await passUntil(minutes * 60);
      }
      await passUntil(3 * hour);
      expect(world).toMatchObject({ jobsDone: 60, violations: [] });
      expect([metrics.sum("CircuitOpen"), metrics.sum("LaunchFailures")]).toEqual([0, 0]);
    }
  });

  it("Semaphore, fault B2: one boot that fails keeps its job waiting for minutes, not for the grace", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, ...likeSemaphore }, { rules: defaults });
    world.trouble = { ...calm, bootFails: 1 };
    world.queueJob([60]);
    await passUntil(60);
    world.trouble = calm;
    await passUntil(600);
    expect([world.jobsDone, metrics.sum("LaunchFailures")]).toEqual([1, 1]);
  });

  it("Semaphore: agents that left are not replaced for jobs that starting ones will take", async () => {
    const { world, clock, passUntil } = simulateGroup({ ...plain, ...likeSemaphore, max: 50 }, { rules: defaults });
    const jobs = 8 * 60;
    for (let job = 0; job < jobs; job += 1)
      clock.after((job % 20) * 15 + Math.floor(job / 20) * 900, () => world.queueJob([60]));
    await passUntil(7 * hour);
    expect(world).toMatchObject({ jobsDone: jobs, violations: [] });
    expect(world.launches).toBeLessThanOrEqual(1.1 * jobs);
  });

  it("Semaphore: instances that said that their agents registered stay supply over the grace, idle and busy ones", async () => {
    const { world, metrics, passUntil } = simulateGroup(
      { ...plain, departure: "by-itself", singleUse: false, min: 4 },
      { rules: defaults },
    );
    for (let job = 0; job < 2; job += 1) world.queueJob([2 * hour]);
    await passUntil(1.9 * hour);
    expect(metrics.sum("AgentsUnseen")).toBe(0);
    expect(metrics.records.at(-1)).toMatchObject({ AgentsUnclear: 4, JobsRunning: 2 });
    expect(world).toMatchObject({ launches: 4, terminations: 0, violations: [] });
  });

  it("Semaphore: instances whose word is lost are unseen after the grace, and never stopped in a job", async () => {
    const { world, metrics, passUntil } = simulateGroup(
      { ...plain, departure: "by-itself", singleUse: false, min: 2 },
      { rules: defaults },
    );
    world.trouble = { ...calm, noticeLost: 1 };
    for (let job = 0; job < 2; job += 1) world.queueJob([2 * hour]);
    await passUntil(0.15 * hour);
    expect(metrics.sum("AgentsUnseen")).toBe(0);
    const [one, other] = world.living.filter(({ state }) => state === "busy");
    world.trouble = calm;
    await passUntil(1.9 * hour);
    expect(metrics.sum("AgentsUnseen")).toBeGreaterThan(0);
    expect([one?.state, other?.state]).toEqual(["busy", "busy"]);
    await passUntil(3 * hour);
    expect(world).toMatchObject({ jobsDone: 2, violations: [] });
  });

  it("orders nothing twice while AWS has no capacity for hours, and takes that for no failed launch", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, max: 50 });
    world.trouble = { ...calm, noCapacity: 1 };
    for (let job = 0; job < 8; job += 1) world.queueJob([300]);
    await passUntil(4 * hour);
    expect(world.group.desired).toBe(8);
    expect([metrics.sum("CircuitOpen"), metrics.sum("LaunchFailures")]).toEqual([0, 0]);
    world.trouble = calm;
    await passUntil(4.5 * hour);
    expect(world).toMatchObject({ jobsDone: 8, launches: 8 });
  });

  it("opens the circuit where every launch is cancelled for a volume's key without a grant, and serves the jobs once it has one", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, max: 50 }, { rules: defaults });
    const StatusMessage = "Instance became unhealthy. Termination Reason: Client.InternalError: Client error on launch";
    world.launchFails = () => ({ StatusCode: "Cancelled", StatusMessage });
    for (let job = 0; job < 8; job += 1) world.queueJob([300]);
    await passUntil(2 * hour);
    expect(metrics.sum("CircuitOpen")).toBeGreaterThan(0);
    expect(world.group.desired).toBe(8);
    world.launchFails = () => undefined;
    await passUntil(2.5 * hour);
    expect(world).toMatchObject({ jobsDone: 8, violations: [] });
  });

  it("opens no circuit for what fails in one zone of several while the others launch", async () => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, max: 50 }, { rules: defaults });
    const StatusMessage =
      "Your requested instance type is not supported in your requested Availability Zone (us-west-2d).";
    let launches = 0;
    world.launchFails = () => {
      launches += 1;
      return launches % 2 === 1 ? { StatusCode: "Failed", StatusMessage } : undefined;
    };
    for (let job = 0; job < 40; job += 1) world.queueJob([300]);
    await passUntil(hour);
    expect(world.jobsDone).toBe(40);
    expect(metrics.sum("CircuitOpen")).toBe(0);
  });

  it.each([
    likeSpacelift,
    likeSemaphore,
  ])("opens the circuit where instances fail EC2's status checks before any agent comes (%j)", async (kind) => {
    const { world, metrics, passUntil } = simulateGroup({ ...plain, ...kind }, { rules: defaults });
    world.isImpaired = () => true;
    for (let job = 0; job < 8; job += 1) world.queueJob([300]);
    await passUntil(hour);
    expect(metrics.sum("CircuitOpen")).toBeGreaterThan(0);
    world.isImpaired = () => false;
    await passUntil(3 * hour);
    expect(world).toMatchObject({ jobsDone: 8, violations: [] });
  });
});

describe("the loop over a group with Spot and a group that takes over, against a world", () => {
  const withFallback: GroupFleet = { ...plain, fallbackMinutes: 10 };
  const short = { ...calm, noCapacity: 1 };

  it.each([
    ["Spacelift", likeSpacelift],
    ["Semaphore", likeSemaphore],
  ])("%s: jobs get On-Demand instances where Spot is short for hours, once each, and Spot ones when it is back", async (_, kind) => {
    const { world, metrics, passUntil } = simulateGroup({ ...withFallback, ...kind, max: 8 });
    world.trouble = short;
    for (let job = 0; job < 8; job += 1) world.queueJob([300]);
    await passUntil(9 * 60);
    expect(world).toMatchObject({ onDemandLaunches: 0, group: { desired: 8 } });
    await passUntil(14 * 60);
    expect(world).toMatchObject({ onDemandLaunches: 8, group: { desired: 0 } });
    await passUntil(hour);
    expect(world).toMatchObject({ jobsDone: 8, launches: 8, living: [], onDemandGroup: { desired: 0 } });
    expect([metrics.sum("CircuitOpen"), metrics.sum("LaunchFailures")]).toEqual([0, 0]);
    expect(metrics.records.at(-1)).toMatchObject({ OnDemandFallback: 0 });

    world.trouble = calm;
    world.queueJob([300]);
    await passUntil(1.5 * hour);
    expect(world).toMatchObject({ jobsDone: 9, launches: 9, onDemandLaunches: 8, violations: [] });
  });

  it("tries Spot again while it is short for hours, and no job waits longer than the fallback and a few minutes", async () => {
    const { world, metrics, passUntil } = simulateGroup(withFallback);
    world.trouble = short;
    for (let minutes = 0; minutes < 240; minutes += 5) {
      world.queueJob([120]);
      await passUntil(minutes * 60);
    }
    await passUntil(4.5 * hour);
    expect(world).toMatchObject({ jobsDone: 48, group: { desired: 0 }, violations: [] });
    expect(Math.max(...metrics.records.map(({ OldestQueuedSeconds = 0 }) => OldestQueuedSeconds))).toBeLessThan(
      16 * 60,
    );
    const modes = metrics.records.map(({ OnDemandFallback }) => OnDemandFallback);
    const turns = modes.filter((mode, index) => index > 0 && mode !== modes[index - 1]).length;
    expect(turns).toBeGreaterThan(6);
  });

  it("gives the floor On-Demand instances, too, and keeps them without a launch more", async () => {
    const { world, passUntil } = simulateGroup({ ...withFallback, min: 3 });
    world.trouble = short;
    await passUntil(hour);
    expect(world).toMatchObject({ launches: 3, onDemandLaunches: 3, group: { desired: 0 } });
    await passUntil(4 * hour);
    expect(world).toMatchObject({ launches: 3, terminations: 0, violations: [] });
  });

  it("withdraws orders that no job waits for, and orders them nowhere else", async () => {
    const { world, passUntil } = simulateGroup(withFallback);
    world.trouble = short;
    for (let job = 0; job < 8; job += 1) world.queueJob([300]);
    await passUntil(9 * 60);
    world.cancelJobs();
    await passUntil(hour);
    expect(world).toMatchObject({ launches: 0, group: { desired: 0 }, onDemandGroup: { desired: 0 } });
  });

  it("goes back and forth where On-Demand is short, too, until one has room, and never has more than max in both groups together", async () => {
    const { world, passUntil } = simulateGroup({ ...withFallback, max: 4 });
    world.trouble = short;
    world.noOnDemand = 1;
    for (let job = 0; job < 9; job += 1) world.queueJob([300]);
    await passUntil(2 * hour);
    expect(world.group.desired + world.onDemandGroup.desired).toBeLessThanOrEqual(4);
    world.trouble = calm;
    await passUntil(4 * hour);
    expect(world).toMatchObject({ jobsDone: 9, onDemandLaunches: 0, onDemandGroup: { desired: 0 }, violations: [] });
  });

  it("never has more than max in both groups, though AWS shows everything late and calls fail", async () => {
    await fc.assert(
      fc.asyncProperty(anyFleet, fc.constantFrom(0, 0.5, 1), async (fleet, noOnDemand) => {
        const { world, clock, jobs, queueJobs, pass, passUntil } = simulateGroup({ ...fleet, fallbackMinutes: 5 });
        world.trouble = { ...calm, noCapacity: 1, staleAws: 0.5, callFails: 0.05, reclaims: 0.05, refreshes: 0.05 };
        world.noOnDemand = noOnDemand;
        queueJobs(hour);
        await passUntil(0.6 * hour);
        world.trouble = { ...world.trouble, noCapacity: 0.5 };
        await passUntil(1.2 * hour);
        expect(world.violations).toEqual([]);
        world.trouble = calm;
        const end = clock.seconds + 4 * hour;
        while (world.jobsDone < jobs() && clock.seconds < end) await pass();
        expect({ done: world.jobsDone, violations: world.violations }).toEqual({ done: jobs(), violations: [] });
      }),
      { numRuns: 12 },
    );
  });
});

describe("a drain of a group, against a world", () => {
  it.each([
    likeSpacelift,
    likeSemaphore,
  ])("leaves no instance, however many jobs wait, ends none in a job, and launches again after it (%j)", async (kind) => {
    const { world, clock, queueJobs, pass, passUntil, drain, resume } = simulateGroup(
      { ...plain, ...kind, min: 2, buffer: 1 },
      { rules: defaults },
    );
    queueJobs(6 * hour);
    await passUntil(hour);
    for (let jobs = 0; jobs < 200; jobs += 1) world.queueJob([300]);
    drain();
    while (clock.seconds < 4 * hour) await pass();
    expect(world.living).toEqual([]);
    expect(world.group.desired).toBe(0);
    expect(world.queued).toBeGreaterThan(100);
    const { launches } = world;
    await passUntil(5 * hour);
    expect(world.launches).toBe(launches);
    resume();
    await passUntil(5.5 * hour);
    expect(world.living.length).toBeGreaterThan(1);
    expect(world.violations).toEqual([]);
  });
});
