import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { removalOrders } from "../../../handlers/lib/core/policy.ts";
import { calm, type GroupTrouble } from "../../../scripts/simulate/world/group-trouble.ts";
import { noTrouble, type TaskTrouble } from "../../../scripts/simulate/world/task-trouble.ts";
import { type GroupFleet, hour, simulateGroup } from "./simulate-group.ts";
import { simulateTasks, type TaskFleet } from "./simulate-tasks.ts";

/** How many worlds each vendor gets; see CONTRIBUTING.md. */
const worlds = Number(process.env.WORLDS ?? 12);

const minute = 60;
const troubleSeconds = 15 * minute;
/** After the end of all trouble: the circuit may be open for an hour, and then all jobs are still to be done. */
const workedOffSeconds = 1.75 * hour;
/** Then idle agents time out, or are retired one tick after another. */
const leftSeconds = 45 * minute;

/** How often something goes wrong: mostly never, so that troubles come alone, and a few of them together. */
function often<Kind extends object>(none: Kind, most: Partial<Kind>): fc.Arbitrary<Kind> {
  const chances = Object.keys(none).map((name) => {
    const highest = Number(most[name as keyof Kind] ?? 1);
    const some = fc.constantFrom(0.1, 0.5, 1).map((share) => share * highest);
    return [name, fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: some })];
  });
  return fc.record(Object.fromEntries(chances)) as fc.Arbitrary<Kind>;
}

interface WorldAgent {
  readonly state: string;
  readonly locked: boolean;
  readonly role?: string;
  /** Only on instances. */
  readonly instance?: { readonly id: string; readonly lifecycle: string | undefined };
}

/**
 * A held instance without an agent that nobody can ask stays until its hook ends, which is hours later: it is no supply,
 * and another has taken its place, unless such instances fill the ceiling.
 */
function isLostInHook({ state, instance }: WorldAgent): boolean {
  return state === "unregistered" && instance?.lifecycle === "Terminating:Wait";
}

/** A simulated fleet, whatever it runs on. */
interface Simulation {
  readonly world: {
    readonly violations: readonly string[];
    readonly jobsDone: number;
    readonly queued: number;
    readonly living: readonly WorldAgent[];
    completeHooks?(ids: readonly string[]): void;
  };
  readonly clock: { readonly seconds: number };
  readonly jobs: () => number;
  readonly pass: () => Promise<unknown>;
  readonly queueJobs: (until: number) => void;
}

interface LivesWell {
  /** Ends all trouble. */
  readonly mend: () => void;
  /** How many agents are left when nothing is to be done. */
  readonly standing: number;
  readonly max: number;
  /**
   * Without a workflow nobody sends a floor agent away: those launched in place of unseen ones stay until their maximum
   * lifetime is over.
   */
  readonly floorMayStay?: boolean;
}

/** Lives through the trouble and its end. */
async function livesWell(
  { world, clock, jobs, pass, queueJobs }: Simulation,
  { mend, standing, max, floorMayStay = false }: LivesWell,
) {
  const passUntil = async (seconds: number, done = () => false) => {
    while (clock.seconds < seconds && !done()) {
      await pass();
      if (world.violations.length > 0) expect(world.violations).toEqual([]);
    }
  };
  queueJobs(troubleSeconds);
  await passUntil(troubleSeconds);
  mend();
  /** Where so many instances are lost in hooks that they take the room, an operator completes these by hand. */
  const passOrComplete = async (seconds: number, done: () => boolean, lostAtLeast: number) => {
    await passUntil(clock.seconds + seconds, done);
    const lost = world.living.filter(isLostInHook).flatMap(({ instance }) => instance?.id ?? []);
    if (done() || lost.length < lostAtLeast) return;
    world.completeHooks?.(lost);
    await passUntil(clock.seconds + seconds, done);
  };
  await passOrComplete(workedOffSeconds, () => world.jobsDone === jobs(), max);
  expect({ done: world.jobsDone, queued: world.queued }).toEqual({ done: jobs(), queued: 0 });
  const staying = () =>
    world.living
      .filter((agent) => !isLostInHook(agent))
      .map(({ state, locked }) => `${state}${locked ? ", locked" : ""}`);
  const floor = () => (floorMayStay ? world.living.filter(({ role }) => role === "floor").length : 0);
  const wanted = () => Array(Math.max(standing, floor())).fill("idle");
  await passOrComplete(leftSeconds, () => staying().join() === wanted().join(), 1);
  expect(staying()).toEqual(wanted());
}

const sizes = { seed: fc.nat(), min: fc.nat(2), max: fc.integer({ min: 2, max: 5 }), buffer: fc.nat(1) };

/** Runs a property in as many worlds as wanted. */
async function inWorlds<World>(world: fc.Arbitrary<World>, holds: (world: World) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(world, holds), { numRuns: worlds });
}

describe("no machine with a job is ever stopped by us, never are there more than max, and all is done in the end", () => {
  const anyTaskTrouble = often(noTrouble, { callFails: 0.3, lostRecord: 0.5, jobCrashesAgent: 0.3 });
  const anyTasks = (vendor: Partial<TaskFleet>): fc.Arbitrary<{ fleet: TaskFleet; trouble: TaskTrouble }> =>
    fc.record({
      fleet: fc
        .record({ ...sizes, singleUse: fc.boolean(), showsAgents: fc.boolean(), keepsRecords: fc.boolean() })
        .map((fleet) => ({ ...fleet, ...vendor })),
      trouble: anyTaskTrouble,
    });

  it.each<[vendor: string, kind: Partial<TaskFleet>]>([
    ["hcp-terraform", {}],
    ["azure-devops", { departure: "by-retirement", showsAgents: true, keepsRecords: false }],
    ["hcp-terraform on hosts", { hosts: { places: 3, bootSeconds: 30 } }],
  ])("%s", { timeout: 0 }, async (_, kind) => {
    await inWorlds(anyTasks(kind), async ({ fleet, trouble }) => {
      const simulation = simulateTasks(fleet);
      simulation.world.trouble = trouble;
      const mend = () => {
        simulation.world.trouble = noTrouble;
      };
      const standing = Math.max(fleet.min, Number(fleet.buffer));
      await livesWell(simulation, {
        mend,
        standing,
        max: fleet.max,
        floorMayStay: fleet.departure !== "by-retirement",
      });
    });
  });

  const anyGroup = (departure: GroupFleet["departure"]): fc.Arbitrary<{ fleet: GroupFleet; trouble: GroupTrouble }> =>
    fc.record({
      fleet: fc.record({
        ...sizes,
        singleUse: fc.boolean(),
        departure: fc.constant(departure),
        removalOrder: fc.constantFrom(...removalOrders),
        scaleInAfterObservations: fc.constantFrom(1, 4),
        fallbackMinutes: fc.constantFrom(undefined, 5),
      }),
      trouble: often(calm, { callFails: 0.3, lostRecord: 0.5, reclaims: 0.3, refreshes: 0.3 }),
    });

  it.each<[vendor: string, departure: GroupFleet["departure"]]>([
    ["spacelift", "by-retirement"],
    ["semaphore", "by-itself"],
  ])("%s", { timeout: 0 }, async (_, departure) => {
    await inWorlds(anyGroup(departure), async ({ fleet, trouble }) => {
      const simulation = simulateGroup(fleet);
      simulation.world.trouble = trouble;
      const mend = () => {
        simulation.world.trouble = calm;
      };
      const { min, max, buffer } = fleet;
      await livesWell(simulation, { mend, standing: Math.max(min, Number(buffer)), max });
    });
  });
});
