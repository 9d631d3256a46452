import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Overrides } from "../../../handlers/lib/core/overrides.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { lowestFloor, policyAt } from "../../../handlers/lib/core/schedule.ts";
import { calm } from "../../../scripts/simulate/world/group-trouble.ts";
import { noTrouble } from "../../../scripts/simulate/world/task-trouble.ts";
import { presetNames, presets } from "../../../stacks/config/presets.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { hasty, hour, simulateGroup } from "./simulate-group.ts";
import { simulateTasks } from "./simulate-tasks.ts";

/** How many worlds each vendor gets; see CONTRIBUTING.md. */
const worlds = Number(process.env.WORLDS ?? 4);

const anyBuffer: fc.Arbitrary<Policy["buffer"]> = fc.oneof(
  fc.nat(2),
  fc.integer({ min: 10, max: 200 }).map((percent) => ({ percent })),
);

/** Virtual time begins at midnight: one entry begins among the jobs, and one after them. */
const anySchedule: fc.Arbitrary<Policy["schedule"]> = fc
  .tuple(fc.nat(3), anyBuffer, fc.nat(3), anyBuffer)
  .map(([min, buffer, laterMin, laterBuffer]) => [
    { cron: "10 0 * * *", timeZone: "UTC", min, buffer },
    { cron: "0 2 * * *", timeZone: "UTC", min: laterMin, buffer: laterBuffer },
  ]);

const maybe = <Kind>(kind: fc.Arbitrary<Kind>) => fc.option(kind, { nil: undefined });

/** Limits or a pause, from one minute to another. */
const anyOverride = fc.record({
  from: fc.nat(40),
  minutes: fc.integer({ min: 1, max: 40 }),
  limits: fc.record({ min: maybe(fc.nat(5)), max: maybe(fc.nat(5)), buffer: maybe(anyBuffer) }),
  isPause: fc.boolean(),
});

const world = fc.record({
  fleet: fc.record({
    seed: fc.nat(),
    min: fc.nat(2),
    max: fc.integer({ min: 3, max: 6 }),
    buffer: anyBuffer,
    singleUse: fc.boolean(),
  }),
  preset: fc.constantFrom(...presetNames),
  schedule: maybe(anySchedule),
  override: maybe(anyOverride),
  showsAgents: fc.boolean(),
  trouble: fc.dictionary(
    fc.constantFrom(...new Set([...Object.keys(calm), ...Object.keys(noTrouble)])),
    fc.constantFrom(0.05, 0.2),
    { maxKeys: 3 },
  ),
});

type World = typeof world extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const beginning = Date.parse("2026-01-01T00:00:00Z");

function overridesAt({ override }: World, now: Date): Overrides {
  if (override === undefined) return {};
  const { from, minutes, limits, isPause } = override;
  const until = new Date(beginning + (from + minutes) * 60_000);
  if (now >= until || now.getTime() < beginning + from * 60_000) return {};
  return isPause ? { pause: { until } } : { limits: { ...limits, until } };
}

function rulesOf({ preset, schedule }: World): Partial<Policy> {
  const { launchPercent, forecastPercent } = presets[preset];
  return { launchPercent, forecastPercent, ...(schedule && { schedule }) };
}

type Simulation = ReturnType<typeof simulateTasks> | ReturnType<typeof simulateGroup>;

/** Jobs for 42 minutes with trouble, and hours of calm. */
async function livesWell(drawn: World, { world: lived, ...simulation }: Simulation, canRetire: boolean) {
  const none = "group" in lived ? calm : noTrouble;
  const trouble = Object.fromEntries(Object.entries(drawn.trouble).filter(([name]) => name in none));
  const passUntil = async (seconds: number) => {
    while (simulation.clock.seconds < seconds) {
      await simulation.pass();
      if (lived.violations.length > 0) expect(lived.violations).toEqual([]);
    }
  };
  simulation.queueJobs(0.7 * hour);
  Object.assign(lived, { trouble: { ...none, ...trouble } });
  await passUntil(0.8 * hour);
  Object.assign(lived, { trouble: none });
  await passUntil(3.2 * hour);
  expect(lived.jobsDone).toBe(simulation.jobs());
  const before = lived.launches;
  await passUntil(4.2 * hour);
  // An agent that only one entry keeps, and that nobody can retire, has an idle timeout, and is launched again.
  if (!canRetire && drawn.schedule) return;
  const { min, max, buffer } = policyAt(policyOf({ ...drawn.fleet, ...rulesOf(drawn) }), simulation.clock.now());
  const standing = Math.min(max, Math.max(min, typeof buffer === "number" ? buffer : 0));
  const living = lived.living.length;
  // The part of a percentage that lasted under load stays, too, and nobody can retire it.
  const mayStay = !canRetire && typeof buffer !== "number";
  const expected = mayStay ? Math.max(standing, living) : standing;
  expect({ launches: lived.launches - before, living }).toEqual({ launches: 0, living: expected });
}

describe("with any policy, schedule, limits and pause nobody is killed, all is done, and an idle fleet is still", () => {
  async function inWorlds(make: (drawn: World) => Simulation, canRetire = true): Promise<void> {
    const property = fc.asyncProperty(world, (drawn) => livesWell(drawn, make(drawn), canRetire));
    await fc.assert(property, { numRuns: worlds });
  }

  const optionsOf = (drawn: World) => ({
    rules: rulesOf(drawn),
    overridesOf: (now: Date) => overridesAt(drawn, now),
  });

  it("hcp-terraform", { timeout: 0 }, async () => {
    const make = (drawn: World) =>
      simulateTasks({ ...drawn.fleet, showsAgents: drawn.showsAgents, keepsRecords: true }, optionsOf(drawn));
    await inWorlds(make, false);
  });

  it("azure-devops", { timeout: 0 }, async () => {
    const kind = { singleUse: true, showsAgents: true, keepsRecords: false, departure: "by-retirement" } as const;
    await inWorlds((drawn) => simulateTasks({ ...drawn.fleet, ...kind }, optionsOf(drawn)));
  });

  it.each<[vendor: string, departure: Policy["departure"]]>([
    ["spacelift", "by-retirement"],
    ["semaphore", "by-itself"],
  ])("%s", { timeout: 0 }, async (_, departure) => {
    const kind = { departure, removalOrder: "oldest-first", scaleInAfterObservations: 1 } as const;
    await inWorlds((drawn) => {
      const { rules, overridesOf } = optionsOf(drawn);
      const { min } = drawn.fleet;
      // The group keeps the lowest floor, and the loop the rest.
      const group = { ...drawn.fleet, ...kind, min: lowestFloor(policyOf({ min, ...rules })) };
      return simulateGroup(group, { rules: { ...hasty, ...rules, min }, overridesOf });
    });
  });
});
