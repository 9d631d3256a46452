import fc from "fast-check";
import type { Agent, AgentState, Decision, Snapshot } from "../../../../handlers/lib/core/model.ts";
import { type Policy, removalOrders } from "../../../../handlers/lib/core/policy.ts";
import type { CapacityMember, VendorAgent } from "../../../../handlers/lib/core/ports.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { presets } from "../../../../stacks/config/presets.ts";

/** The time of every arbitrary snapshot. */
export const now = new Date("2026-01-01T12:00:00.000Z");

/** `seconds` before {@link now}. */
export function secondsAgo(seconds: number): Date {
  return new Date(now.getTime() - seconds * 1000);
}

/** Names of ours whose retirement is under way. */
export const anyRetiring: fc.Arbitrary<ReadonlySet<string>> = fc
  .array(
    fc.nat(15).map((number) => `ci_${number}`),
    { maxLength: 4 },
  )
  .map((names) => new Set(names));

const states: readonly AgentState[] = [
  "ordered",
  "starting",
  "idle",
  "busy",
  "unclear",
  "unseen",
  "offline",
  "retiring",
  "failed",
];
const role = fc.constantFrom("floor" as const, "burst" as const, undefined);
const launchedAt = fc.nat(7200).map(secondsAgo);

/** Up to 30 agents in any state, named by position. */
export const anyAgents: fc.Arbitrary<readonly Agent[]> = fc
  .array(
    fc.record({
      state: fc.constantFrom(...states),
      role,
      launchedAt,
      idleSince: fc.option(launchedAt, { nil: undefined }),
      outdated: fc.constantFrom(true, false, undefined),
      drained: fc.boolean(),
      held: fc.boolean(),
      dead: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((agents) =>
    agents.map(({ drained, held, dead, ...agent }, index) => ({
      ...agent,
      drained: drained && !held && agent.state === "retiring",
      held: held && agent.state === "retiring",
      dead: dead && agent.state === "failed",
      name: `ci_${index}`,
      capacityId: `task-${index}`,
      vendorId: `agent-${index}`,
    })),
  );

const anyDemand = fc.record({
  queued: fc.oneof(fc.nat(40), fc.nat(1_000_000)),
  running: fc.nat(40),
  expected: fc.option(fc.nat(40), { nil: undefined }),
  oldestQueuedAt: fc.option(launchedAt, { nil: undefined }),
});

/** Any picture of a fleet, consistent or not. */
export const anySnapshot: fc.Arbitrary<Snapshot> = fc.record({
  demand: anyDemand,
  agents: anyAgents,
  vendorShowsAgents: fc.boolean(),
  launches: fc.array(
    fc.record({ at: launchedAt, result: fc.constantFrom("failed" as const, "worked" as const, "open" as const) }),
    { maxLength: 40 },
  ),
  circuit: fc.record({
    openSince: fc.option(launchedAt, { nil: undefined }),
    closedAt: fc.option(launchedAt, { nil: undefined }),
  }),
  settling: fc.boolean(),
  ordersToMove: fc.option(fc.nat(30), { nil: undefined }),
  load: fc.option(fc.record({ jobs: fc.nat(60), at: launchedAt }), { nil: undefined }),
  traffic: fc.option(
    fc.record({
      perSecond: fc.double({ min: 0, max: 2, noNaN: true }),
      bootSeconds: fc.double({ min: 0, max: 300, noNaN: true }),
      jobs: fc.nat(60),
      at: launchedAt,
    }),
    { nil: undefined },
  ),
  boots: fc.option(fc.array(fc.double({ min: 0, max: 600, noNaN: true }), { maxLength: 5 }), { nil: undefined }),
  recentlyWanted: fc.array(fc.nat(30), { maxLength: 8 }),
});

/** What each named policy sets, and other values. */
const anyPreset = fc.oneof(
  fc.constantFrom(...Object.values(presets)).map(({ idleTimeoutSeconds: _, ...rules }) => rules),
  fc.record({
    singleUse: fc.boolean(),
    launchPercent: fc.integer({ min: 100, max: 300 }),
    forecastPercent: fc.integer({ min: 0, max: 500 }),
    maxAddedPerTick: fc.integer({ min: 1, max: 50 }),
  }),
);

/** Any policy that the config lets through. */
export const anyPolicy: fc.Arbitrary<Policy> = fc
  .record({
    limits: fc.tuple(fc.nat(30), fc.nat(30)),
    buffer: fc.oneof(fc.nat(30), fc.record({ percent: fc.integer({ min: 1, max: 1000 }) })),
    preset: anyPreset,
    scaleOutCooldownSeconds: fc.nat(600),
    scaleInCooldownSeconds: fc.nat(600),
    scaleInAfterObservations: fc.integer({ min: 1, max: 5 }),
    removalOrder: fc.constantFrom(...removalOrders),
    maxRemovedPerTick: fc.integer({ min: 1, max: 50 }),
    registrationGraceSeconds: fc.integer({ min: 30, max: 600 }),
    maxFailedLaunchesPerHour: fc.integer({ min: 1, max: 30 }),
    maxFailedLaunchesPercent: fc.integer({ min: 1, max: 100 }),
    circuitTrialSeconds: fc.integer({ min: 30, max: 3600 }),
    departure: fc.constantFrom("by-itself" as const, "by-retirement" as const),
    canRetire: fc.boolean(),
    maxLifetimeSeconds: fc.option(fc.nat(7200), { nil: undefined }),
    renewAtOncePercent: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
  })
  .map(({ limits, buffer, preset, ...rest }) => {
    const [min, max] = [Math.min(...limits), Math.max(...limits)];
    return {
      enabled: true,
      ...rest,
      ...preset,
      min,
      max,
      buffer: typeof buffer === "number" ? Math.min(buffer, max) : buffer,
    };
  });

/** Members of ours. Their names are few, so that vendor agents of {@link anyVendorAgents} share them. */
export const anyMembers: fc.Arbitrary<readonly CapacityMember[]> = fc.uniqueArray(
  fc.record({
    id: fc.uuid(),
    agentName: fc.nat(15).map((number) => `ci_${number}`),
    role,
    phase: fc.constantFrom(...(["ordered", "pending", "running", "failed", "held", "stopping"] as const)),
    launchedAt,
    outdated: fc.constantFrom(true, false, undefined),
    registered: fc.constantFrom(true, false, undefined),
    neverRegistered: fc.constantFrom(true, false, undefined),
  }),
  { selector: ({ agentName }) => agentName, maxLength: 12 },
);

const vendorRecord = {
  id: fc.uuid(),
  state: fc.constantFrom(...(["idle", "busy", "draining", "offline", "gone"] as const)),
  idleSince: fc.option(launchedAt, { nil: undefined }),
  offlineSince: fc.option(launchedAt, { nil: undefined }),
};

/** Vendor records with names of ours; several may share one. */
export const anyVendorAgents: fc.Arbitrary<readonly VendorAgent[]> = fc.array(
  fc.record({ ...vendorRecord, name: fc.nat(15).map((number) => `ci_${number}`) }),
  { maxLength: 20 },
);

/** Vendor records that others made; none has a name that we could have given. */
export const anyForeignAgents: fc.Arbitrary<readonly VendorAgent[]> = fc.array(
  fc.record({
    ...vendorRecord,
    name: fc.constantFrom("ci", "ci-1_x", "ci.pool_1", "other_1", "", "CI_1", "a_ci_1"),
  }),
  { maxLength: 20 },
);

/** How many cases tell enough of a decision. */
export const numRuns = 1000;

/** Checks a property of what is decided on any snapshot under any policy. */
export function always(property: (snapshot: Snapshot, policy: Policy, decision: Decision) => void): void {
  fc.assert(
    fc.property(anySnapshot, anyPolicy, (snapshot, policy) =>
      property(snapshot, policy, decide(snapshot, policy, now)),
    ),
    { numRuns },
  );
}
