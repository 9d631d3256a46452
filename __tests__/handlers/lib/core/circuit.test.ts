import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { circuitAfter } from "../../../../handlers/lib/core/circuit.ts";
import type { Circuit, Launch } from "../../../../handlers/lib/core/model.ts";
import { launches } from "../../../fixtures/launches.ts";
import { policyOf } from "../../../fixtures/policy.ts";
import { always, now, secondsAgo } from "./arbitraries.ts";
import { agents, decideOn, type Scene } from "./scene.ts";

const policy = policyOf();
const nextCircuit = (seen: { launches?: readonly Launch[]; circuit?: Circuit; agents?: Scene["agents"] }) =>
  circuitAfter({ launches: [], circuit: {}, agents: [], ...seen }, policy, now);
const open = { openSince: secondsAgo(600) };
const early = secondsAgo(3000);

describe("the circuit breaker opens", () => {
  it.each<[what: string, opens: boolean, history: readonly Launch[]]>([
    ["where every launch fails, as soon as as many failed as the floor", true, launches(20)],
    ["not below the floor, however large the share", false, launches(19)],
    ["not in a busy fleet of which a fifth fails", false, [...launches(43), ...launches(174, "worked")]],
    ["not in a busy fleet of which a tenth boots too slowly", false, [...launches(22), ...launches(195, "worked")]],
    ["where half of them fail", true, [...launches(30), ...launches(30, "worked")]],
    [
      "not because the failures of a burst show before the others work",
      false,
      [...launches(25), ...launches(75, "open")],
    ],
    [
      "in a busy fleet as soon as nothing works any more, not half an hour later",
      true,
      [...launches(200, "worked", early), ...launches(20, "failed", secondsAgo(60))],
    ],
    [
      "not for failures from before a launch that worked",
      false,
      [...launches(100, "worked", early), ...launches(30, "failed", early), ...launches(1, "worked", secondsAgo(60))],
    ],
  ])("%s", (_, opens, history) => {
    expect(nextCircuit({ launches: history })).toEqual(opens ? { openSince: now } : {});
  });

  it("not for what failed before it closed last", () => {
    const circuit = { closedAt: secondsAgo(1000) };
    const before = launches(40, "failed", early);
    expect(nextCircuit({ circuit, launches: before })).toEqual(circuit);
    expect(nextCircuit({ circuit, launches: [...before, ...launches(20, "failed", secondsAgo(10))] })).toEqual({
      openSince: now,
    });
  });
});

describe("an open circuit breaker", () => {
  it("stays open while only launches from before work, and closes once a later one does", () => {
    const history = [...launches(40, "failed", early), ...launches(60, "worked", secondsAgo(601))];
    expect(nextCircuit({ circuit: open, launches: history })).toEqual(open);
    expect(nextCircuit({ circuit: open, launches: [...history, ...launches(1, "open", secondsAgo(60))] })).toEqual(
      open,
    );
    const tried = [...history, ...launches(1, "worked", secondsAgo(60))];
    expect(nextCircuit({ circuit: open, launches: tried })).toEqual({ closedAt: now });
  });

  it("takes an agent's own word, and where the vendor shows none, that it outlived its grace", () => {
    const seen = (state: "idle" | "busy" | "unclear" | "starting", seconds: number) =>
      nextCircuit({
        circuit: open,
        launches: launches(20),
        agents: agents(state, 1, { launchedAt: secondsAgo(seconds) }),
      });
    expect(seen("idle", 60)).toEqual({ closedAt: now });
    expect(seen("busy", 60)).toEqual({ closedAt: now });
    expect(seen("busy", 601)).toEqual(open);
    expect(seen("starting", 301)).toEqual(open);
    expect(seen("unclear", 299)).toEqual(open);
    expect(seen("unclear", 301)).toEqual({ closedAt: now });
  });

  it("closes when no failure is left to count", () => {
    expect(nextCircuit({ circuit: open, launches: launches(3, "open") })).toEqual({});
  });

  it("lets one launch through when none has begun for a while, and says why", () => {
    const scene = (seconds: number, rest: Scene = {}): Scene => ({
      queued: 5,
      launches: launches(20, "failed", secondsAgo(seconds)),
      circuit: { openSince: secondsAgo(3000) },
      ...rest,
    });
    expect(decideOn(scene(299))).toMatchObject({ circuitOpen: true, launch: [] });
    expect(decideOn(scene(300))).toMatchObject({ circuitOpen: true, action: "scale-out", launch: ["burst"] });
    expect(decideOn(scene(300)).reason).toMatch(/add 1 to try: circuit open, 20 of 20 launches failed/);
    expect(decideOn(scene(300, { agents: agents("starting") })).launch).toEqual([]);
    expect(decideOn(scene(300, { agents: agents("ordered") })).launch).toEqual([]);
    expect(decideOn(scene(300, { circuit: { openSince: secondsAgo(299) } })).launch).toEqual([]);
    expect(decideOn(scene(300, { policy: { max: 2 }, agents: agents("unseen", 2) })).launch).toEqual([]);
  });
});

describe("whatever the launches", () => {
  it("an open circuit launches at most one, and a closed one is not touched by few failures or a small share", () => {
    always(({ launches: all, circuit }, { maxFailedLaunchesPerHour }, { launch, circuitOpen }) => {
      const failed = all.filter(({ result }) => result === "failed").length;
      if (circuitOpen) expect(launch.length).toBeLessThanOrEqual(1);
      if (circuit.openSince === undefined && failed < maxFailedLaunchesPerHour) expect(circuitOpen).toBe(false);
    });
  });

  it("one more failure never closes it", () => {
    const at = fc.nat(3600).map(secondsAgo);
    const history = fc.array(fc.record({ at, result: fc.constantFrom("failed" as const, "worked", "open") }));
    fc.assert(
      fc.property(history, fc.nat(), fc.constantFrom<Circuit>({}, open), (all, which, circuit) => {
        if (nextCircuit({ launches: all, circuit }).openSince === undefined || all.length === 0) return;
        const worse = all.map((launch, index): Launch => {
          return index === which % all.length ? { ...launch, result: "failed" } : launch;
        });
        expect(nextCircuit({ launches: worse, circuit }).openSince).toBeDefined();
      }),
    );
  });
});
