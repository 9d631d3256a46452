import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type LimitsOverride,
  longestLimitsSeconds,
  overrideForms,
  overridesOf,
  pauseReason,
  underOverrides,
} from "../../../../handlers/lib/core/overrides.ts";
import { policyOf } from "../../../fixtures/policy.ts";

const now = new Date("2026-11-30T03:00:00Z");
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const until = inSeconds(3600);

/** The overrides of a pool from documents by id, and what is said of bad ones. */
function read(documents: Readonly<Record<string, unknown>>, pool?: string) {
  const rows = new Map(
    Object.entries(documents).map(([id, document]) => [
      id,
      typeof document === "object" ? JSON.stringify(document) : (document as string | undefined),
    ]),
  );
  const bad: string[] = [];
  return { ...overridesOf(pool, rows, now, (id, trouble) => bad.push(`${id}: ${trouble}`)), bad };
}

describe("which overrides hold", () => {
  it("those that have not ended", () => {
    expect(read({ "limits (fleet)": { max: 3, until }, "pause (fleet)": { until, reason: "why" } })).toEqual({
      limits: { max: 3, until },
      pause: { until, reason: "why" },
      bad: [],
    });
    const over = { "limits (fleet)": { max: 3, until: now }, "pause (fleet)": { until: now } };
    expect(read(over)).toEqual({ limits: undefined, pause: undefined, bad: [] });
    expect(read({ "pause (fleet)": {} }).pause).toEqual({});
  });

  it("limits of the pool alone; a pause of the pool, or of the whole fleet", () => {
    const limits = { max: 3, until };
    expect(read({ "limits (fleet)": limits, "limits arm": limits }, "linux").limits).toBeUndefined();
    expect(read({ "limits linux": limits }, "linux").limits).toEqual(limits);
    expect(read({ "pause arm": {} }, "linux").pause).toBeUndefined();
    expect(read({ "pause linux": { reason: "own" } }, "linux").pause).toEqual({ reason: "own" });
    const both = { "pause linux": { reason: "own" }, "pause (fleet)": { reason: "all" } };
    expect(read(both, "linux").pause).toEqual({ reason: "all" });
    const over = { "pause linux": { reason: "own" }, "pause (fleet)": { until: now } };
    expect(read(over, "linux").pause).toEqual({ reason: "own" });
  });

  it("more in a row than this version knows does no harm", () => {
    expect(read({ "pause (fleet)": { by: "somebody" }, "limits (fleet)": { max: 3, until, by: 1 } }).bad).toEqual([]);
  });

  it.each<[what: string, id: "limits (fleet)" | "pause (fleet)", document: unknown]>([
    ["no document", "limits (fleet)", undefined],
    ["no JSON", "pause (fleet)", "paused"],
    ["an empty text", "pause (fleet)", ""],
    ["no object", "pause (fleet)", "null"],
    ["a list", "limits (fleet)", []],
    ["no end", "limits (fleet)", { max: 3 }],
    ["an end that is no time", "limits (fleet)", { max: 3, until: "tomorrow" }],
    ["an end as a number", "limits (fleet)", { max: 3, until: until.getTime() }],
    ["an end in 9999", "limits (fleet)", { max: 3, until: "9999-12-31T23:59:59Z" }],
    [
      "an end beyond what anybody may set",
      "limits (fleet)",
      { max: 3, until: inSeconds(longestLimitsSeconds + 86_401) },
    ],
    ["less than no agents", "limits (fleet)", { min: -1, until }],
    ["half an agent", "limits (fleet)", { max: 1.5, until }],
    ["very many agents", "limits (fleet)", { max: 1e300, until }],
    ["a number in quotes", "limits (fleet)", { max: "3", until }],
    ["a buffer of another kind", "limits (fleet)", { buffer: { share: 2 }, until }],
    ["a pause until nobody knows when", "pause (fleet)", { until: "" }],
    ["a reason without end", "pause (fleet)", { reason: "x".repeat(201) }],
    ["a reason that is none", "pause (fleet)", { reason: { html: "" } }],
  ])("not a row with %s, and it is named", (_, id, document) => {
    const found = read({ [id]: document });
    expect([found.limits, found.pause]).toEqual([undefined, undefined]);
    expect(found.bad).toEqual([expect.stringContaining(`${id}: `)]);
  });

  it("any text in a row does no harm", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant(undefined)), (text) => {
        const { limits, pause } = read({ "limits (fleet)": text, "pause (fleet)": text });
        const { min, max } = underOverrides(policyOf({ min: 1, max: 10 }), { limits, pause }, 0);
        expect(max).toBeLessThanOrEqual(10);
        expect(min).toBeLessThanOrEqual(max);
      }),
    );
  });

  it("what is written is read back", () => {
    const limits = { min: 1, max: 2, buffer: { percent: 20 }, until };
    const pause = { until, reason: "why" };
    const documents = {
      "limits (fleet)": overrideForms.limits.encode(limits),
      "pause (fleet)": overrideForms.pause.encode(pause),
    };
    expect(read(documents)).toEqual({ limits, pause, bad: [] });
  });
});

describe("a policy under overrides", () => {
  const agents = fc.nat(30);
  const buffer = fc.oneof(agents, fc.record({ percent: fc.integer({ min: 1, max: 1000 }) }));
  const anyLimits = fc.record(
    { min: agents, max: agents, buffer, until: fc.constant(until) },
    { requiredKeys: ["until"] },
  ) as fc.Arbitrary<LimitsOverride>;
  const anyPolicy = fc
    .tuple(agents, agents, buffer)
    .map(([one, other, own]) => policyOf({ min: Math.min(one, other), max: Math.max(one, other), buffer: own }));

  it("never allows more agents than the stack, and is a policy that a stack could have", () => {
    fc.assert(
      fc.property(anyPolicy, anyLimits, fc.boolean(), (policy, limits, keepsFloor) => {
        const lowest = keepsFloor ? policy.min : 0;
        const { min, max, buffer: ready } = underOverrides(policy, { limits }, lowest);
        expect(max).toBeLessThanOrEqual(policy.max);
        expect(min).toBeLessThanOrEqual(max);
        expect(min).toBeGreaterThanOrEqual(lowest);
        if (typeof ready === "number") expect(ready).toBeLessThanOrEqual(max);
      }),
    );
  });

  it("is the stack's own without any", () => {
    fc.assert(
      fc.property(anyPolicy, (policy) => {
        const { buffer: ready, ...rest } = underOverrides(policy, {}, 0);
        const { buffer: own, ...others } = policy;
        expect(rest).toEqual(others);
        expect(ready).toEqual(typeof own === "number" ? Math.min(own, policy.max) : own);
      }),
    );
  });

  it("is what limits within the stack's say", () => {
    const policy = policyOf({ min: 1, max: 10, buffer: 0 });
    const limits = { min: 2, max: 5, buffer: { percent: 20 }, until };
    expect(underOverrides(policy, { limits }, 0)).toEqual({ ...policy, min: 2, max: 5, buffer: { percent: 20 } });
    expect(underOverrides(policyOf({ min: 4, max: 10 }), { limits: { max: 2, until } }, 0)).toMatchObject({
      min: 2,
      max: 2,
    });
  });

  it("keeps floor and buffer whatever the schedule says, and under the ceiling what the schedule says", () => {
    const entry = { cron: "0 8 * * *", timeZone: "UTC" };
    const scheduled = policyOf({
      max: 9,
      schedule: [
        { ...entry, min: 7 },
        { ...entry, cron: "0 20 * * *", buffer: 6 },
      ],
    });
    const scheduleUnder = (limits: Omit<LimitsOverride, "until">) =>
      underOverrides(scheduled, { limits: { ...limits, until: new Date() } }, 0).schedule?.map(({ min, buffer }) => [
        min,
        buffer,
      ]);
    expect(scheduleUnder({ min: 1, buffer: 2 })).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(scheduleUnder({ max: 3 })).toEqual([
      [3, scheduled.buffer],
      [Math.min(scheduled.min, 3), 3],
    ]);
  });

  it("holds under a pause, and never scales because of one", () => {
    expect(underOverrides(policyOf(), { pause: {} }, 0).enabled).toBe(false);
    expect(underOverrides(policyOf({ enabled: false }), {}, 0).enabled).toBe(false);
    expect(underOverrides(policyOf({ enabled: false }), { pause: {} }, 0).enabled).toBe(false);
  });
});

it("a reason says until when, and why", () => {
  expect(pauseReason({})).toBe("an operator paused it until somebody resumes it");
  expect(pauseReason({ until, reason: "why" })).toBe("an operator paused it until 2026-11-30T04:00:00.000Z: why");
});

describe("a drain", () => {
  const since = inSeconds(-60);

  it("is one of the pool, or of the whole fleet, and has no end", () => {
    expect(read({ "drain (fleet)": { since } }).drain).toEqual({ since });
    expect(read({ "drain (fleet)": { since } }, "linux").drain).toEqual({ since });
    expect(read({ "drain arm": { since } }, "linux").drain).toBeUndefined();
    expect(read({ "drain (fleet)": {} })).toMatchObject({ drain: undefined, bad: [expect.stringContaining("since")] });
  });

  it("leads to no agents, whatever limits hold, but not below what AWS keeps", () => {
    const limits = { min: 2, max: 5, until };
    const policy = policyOf({ min: 1, max: 10, buffer: { percent: 20 } });
    expect(underOverrides(policy, { limits, drain: { since } }, 0)).toEqual({ ...policy, min: 0, max: 0, buffer: 0 });
    expect(underOverrides(policy, { drain: { since } }, 3)).toMatchObject({ min: 3, max: 3, buffer: 0 });
  });
});
