import { describe, expect, it } from "vitest";
import type { Decision } from "../../../../handlers/lib/core/model.ts";
import { countStates } from "../../../../handlers/lib/core/supply.ts";
import { now, secondsAgo } from "./arbitraries.ts";
import { agents, byRetirement, decideOn, type Scene, scaledIn } from "./scene.ts";

/** Four jobs in the time of a boot. */
const often = { perSecond: 0.1, bootSeconds: 40, jobs: 2, at: now };

const dayAndNight = [
  { cron: "0 11 * * *", timeZone: "UTC", min: 4 },
  { cron: "0 20 * * *", timeZone: "UTC", min: 1 },
];

describe("decide", () => {
  it.each<[what: string, scene: Scene, expected: Partial<Decision>]>([
    ["holds when nothing is wanted and nothing is there", {}, { action: "hold", wanted: 0, supply: 0 }],
    ["adds one agent per queued job", { queued: 3 }, { action: "scale-out", launch: Array(3).fill("burst") }],
    ["counts agents on their way", { queued: 3, agents: agents("starting", 3) }, { action: "hold", supply: 3 }],
    ["counts idle agents", { queued: 3, agents: agents("idle", 2) }, { launch: ["burst"] }],
    [
      "adds to those that are busy",
      { queued: 2, agents: agents("busy", 3) },
      { wanted: 5, supply: 3, launch: ["burst", "burst"] },
    ],
    [
      "does not count agents that leave",
      { queued: 1, agents: agents("retiring", 2) },
      { supply: 0, launch: ["burst"] },
    ],
    [
      "does not count running jobs where the vendor shows who works",
      { running: 5, agents: agents("busy", 2) },
      { action: "hold", wanted: 2 },
    ],
    [
      "keeps the buffer on top of demand",
      { agents: agents("busy", 2), policy: { buffer: 2 } },
      { wanted: 4, launch: ["floor", "floor"] },
    ],
    [
      "counts agents as busy that no job explains, and keeps the buffer on top of them",
      { running: 0, agents: agents("busy", 3), policy: { min: 1, buffer: 1, singleUse: true } },
      { wanted: 4, launch: ["floor"] },
    ],
    [
      "has agents for jobs that are expected, which may be there already",
      { queued: 1, expected: 3, agents: agents("idle", 2) },
      { wanted: 4, launch: ["burst", "burst"], reason: expect.stringContaining("1 queued, 3 expected, buffer 0") },
    ],
    [
      "launches more agents than jobs wait, rounded down, so that slow boots are not waited for",
      { queued: 7, agents: agents("busy", 2), policy: { max: 20, launchPercent: 130 } },
      {
        wanted: 11,
        launch: Array(9).fill("burst"),
        reason: expect.stringContaining("7 queued, 2 more for slow boots"),
      },
    ],
    ["launches one agent for one job, also then", { queued: 3, policy: { launchPercent: 130 } }, { wanted: 3 }],
    [
      "does not launch more for slow boots where the buffer has as many",
      { queued: 10, policy: { max: 20, launchPercent: 130, buffer: 4 } },
      { wanted: 14, reason: expect.stringContaining("buffer 4") },
    ],
    [
      "keeps idle agents for the growth that the traffic lets expect",
      { agents: agents("busy", 2), traffic: often, policy: { forecastPercent: 100 } },
      { wanted: 4, launch: ["burst", "burst"] },
    ],
    [
      "keeps as many as the buffer, if that is more",
      { agents: agents("busy", 2), traffic: often, policy: { forecastPercent: 100, buffer: 3 } },
      { wanted: 5 },
    ],
    [
      "keeps none for traffic that lets expect hardly a job",
      { agents: agents("busy", 2), traffic: { ...often, perSecond: 0.001 }, policy: { forecastPercent: 100 } },
      { wanted: 2 },
    ],
    ["keeps none where the policy has no forecast", { agents: agents("busy", 2), traffic: often }, { wanted: 2 }],
    [
      "keeps the floor and the buffer of the schedule's entry that holds, up to max",
      {
        agents: agents("busy", 2),
        policy: { max: 8, schedule: [{ cron: "0 11 * * *", timeZone: "UTC", min: 9, buffer: 3 }] },
      },
      { wanted: 8, atCeiling: false },
    ],
    [
      "gives an idle timeout to those that only one entry of the schedule keeps, if the fleet could not retire them",
      { policy: { schedule: dayAndNight } },
      { wanted: 4, launch: ["floor", "burst", "burst", "burst"] },
    ],
    [
      "gives them none where the fleet retires them after the entry",
      { policy: { schedule: dayAndNight, canRetire: true } },
      { wanted: 4, launch: Array(4).fill("floor") },
    ],
    [
      "keeps a percentage of the jobs as buffer, rounded up",
      { queued: 1, agents: agents("busy", 3), policy: { buffer: { percent: 30 } } },
      { wanted: 6, launch: Array(3).fill("burst") },
    ],
    [
      "makes floor agents of the part of a percentage buffer that the load of the last while asks for",
      {
        agents: agents("busy", 10),
        load: { jobs: 6, at: now },
        policy: { max: 30, buffer: { percent: 50 } },
      },
      { wanted: 15, launch: ["floor", "floor", "floor", "burst", "burst"] },
    ],
    [
      "makes no more floor agents than the present jobs ask for, whatever the load was",
      { agents: agents("busy", 2), load: { jobs: 60, at: now }, policy: { buffer: { percent: 50 } } },
      { wanted: 3, launch: ["floor"] },
    ],
    [
      "keeps no percentage of no jobs",
      { agents: agents("idle", 1), policy: { buffer: { percent: 1000 } } },
      { action: "hold", wanted: 0 },
    ],
    [
      "keeps a percentage buffer under the ceiling",
      { queued: 6, policy: { buffer: { percent: 100 } } },
      { wanted: 10, atCeiling: true },
    ],
    [
      "takes the percentage of running jobs where the vendor does not show its agents",
      { running: 4, vendorShowsAgents: false, agents: agents("unclear", 4), policy: { buffer: { percent: 50 } } },
      { wanted: 6, launch: ["burst", "burst"] },
    ],
    [
      "adds no more than allowed per tick",
      { queued: 9, policy: { maxAddedPerTick: 4 } },
      { launch: Array(4).fill("burst") },
    ],
    [
      "waits for the scale-out cooldown",
      {
        queued: 5,
        agents: agents("starting", 1, { launchedAt: secondsAgo(29) }),
        policy: { scaleOutCooldownSeconds: 30 },
      },
      { action: "hold", launch: [] },
    ],
    [
      "adds when the scale-out cooldown is over",
      {
        queued: 2,
        agents: agents("starting", 1, { launchedAt: secondsAgo(30) }),
        policy: { scaleOutCooldownSeconds: 30 },
      },
      { launch: ["burst"] },
    ],
    [
      "refills the floor, and no more than that, during the scale-out cooldown",
      {
        queued: 9,
        agents: agents("starting", 1, { launchedAt: secondsAgo(1) }),
        policy: { min: 3, scaleOutCooldownSeconds: 30 },
      },
      { launch: ["floor", "floor"] },
    ],
    [
      "leaves surplus agents to their idle timeout",
      { agents: agents("idle", 4) },
      { action: "hold", wanted: 0, supply: 4, retire: [] },
    ],
    [
      "holds while surplus agents work",
      { agents: agents("starting", 2), policy: { ...byRetirement, scaleInCooldownSeconds: 0 } },
      { action: "hold", retire: [] },
    ],
    [
      "waits for the scale-in cooldown",
      { agents: agents("idle", 1, { launchedAt: secondsAgo(59) }), policy: byRetirement },
      { action: "hold", retire: [] },
    ],
    [
      "retires when the scale-in cooldown is over",
      { agents: agents("idle", 1, { launchedAt: secondsAgo(60) }), policy: byRetirement },
      { action: "scale-in" },
    ],
  ])("%s", (_, scene, expected) => {
    expect(decideOn(scene)).toMatchObject(expected);
  });

  it("retires burst agents before floor agents, and the oldest first", () => {
    const [floor] = agents("idle", 1, { role: "floor", launchedAt: secondsAgo(9000) });
    const [young] = agents("idle", 1, { launchedAt: secondsAgo(100) });
    const [old] = agents("idle", 1, { launchedAt: secondsAgo(200) });
    if (!floor || !young || !old) throw new Error("no agents");
    const busy = agents("busy", 2, { launchedAt: secondsAgo(9000) });
    const scene = { agents: [floor, young, ...busy, old], policy: { ...byRetirement, min: 3 } };
    expect(decideOn(scene)).toMatchObject({ action: "scale-in" });
    expect(scaledIn(decideOn(scene))).toEqual([old, young]);
    expect(scaledIn(decideOn({ ...scene, policy: { ...byRetirement, maxRemovedPerTick: 1 } }))).toEqual([old]);
  });

  it("discards agents whose machine is dead whatever else it decides, some per tick, and no other", () => {
    const dead = agents("failed", 3, { dead: true });
    const others = [...agents("unseen", 2), ...agents("failed", 1, { dead: false })];
    expect(decideOn({ agents: [...dead, ...others] })).toMatchObject({ action: "hold", discard: dead });
    expect(decideOn({ agents: dead, queued: 1, policy: { maxRemovedPerTick: 1 } })).toMatchObject({
      action: "scale-out",
      discard: dead.slice(0, 1),
    });
  });

  it("leaves unseen agents alone where the vendor shows agents: they are no supply, but count against max", () => {
    const scene = { queued: 9, agents: agents("unseen", 4), policy: { ...byRetirement } };
    expect(decideOn(scene)).toMatchObject({ supply: 0, launch: { length: 6 }, retire: [], discard: [], withdraw: 0 });
  });

  it("withdraws orders that no job waits for any more, before any agent has to go", () => {
    const fleet = [...agents("ordered", 8), ...agents("busy", 2), ...agents("idle", 1)];
    for (const departure of ["by-itself", "by-retirement"] as const) {
      const policy = { departure, canRetire: true };
      const scene = { agents: fleet, policy, recentlyWanted: [0, 0, 0, 0, 0] };
      expect(decideOn(scene).withdraw).toBe(8);
      expect(decideOn({ ...scene, queued: 5 }).withdraw).toBe(4);
      expect(decideOn({ ...scene, policy: { ...policy, min: 6 } }).withdraw).toBe(5);
      expect(decideOn({ ...scene, queued: 20, policy: { ...policy, max: 30 } }).withdraw).toBe(0);
    }
  });

  it("withdraws orders that are to move, however many are wanted, and not while the circuit is open", () => {
    const scene = { agents: [...agents("ordered", 5), ...agents("busy", 1)], ordersToMove: 4 };
    for (const queued of [0, 3, 5, 9]) {
      expect(decideOn({ ...scene, queued })).toMatchObject({
        withdraw: 4,
        launch: { length: Math.max(0, queued - 5) },
      });
      expect(decideOn({ ...scene, queued, failedLaunches: 99 }).withdraw).toBe(0);
      expect(decideOn({ ...scene, queued, policy: { enabled: false } }).withdraw).toBe(0);
    }
    expect(decideOn({ ...scene, ordersToMove: 9 }).withdraw).toBe(5);
    expect(decideOn({ ...scene, recentlyWanted: [0, 0, 0, 0, 0] }).withdraw).toBe(5);
  });

  it("launches nothing until AWS shows what has moved, and withdraws and retires all the same", () => {
    const scene = {
      agents: [...agents("ordered", 2), ...agents("failed", 1, { dead: true })],
      queued: 9,
      ordersToMove: 2,
    };
    expect(decideOn(scene)).toMatchObject({ action: "scale-out", withdraw: 2, discard: { length: 1 } });
    const settling = decideOn({ ...scene, settling: true });
    expect(settling).toMatchObject({ action: "hold", launch: [], withdraw: 2, discard: { length: 1 } });
    expect(settling.reason).toContain("waits until AWS shows");
  });

  it("withdraws no order for what one observation wants: an agent whose job has just ended is still there for a moment", () => {
    const scene = {
      agents: [...agents("ordered", 3), ...agents("unclear", 8)],
      running: 7,
      queued: 3,
      vendorShowsAgents: false,
      policy: { max: 20 },
    };
    expect(decideOn({ ...scene, recentlyWanted: [10, 10, 10, 11, 10] }).withdraw).toBe(0);
    expect(decideOn({ ...scene, recentlyWanted: [10, 10, 10, 10] }).withdraw).toBe(0);
    expect(decideOn({ ...scene, recentlyWanted: [10, 10, 10, 10, 10] }).withdraw).toBe(1);
  });

  it("says what it does, and why, with numbers", () => {
    expect(decideOn({ queued: 2, agents: agents("busy", 1), policy: { buffer: 1 } }).reason).toBe(
      "wanted 4 (1 working, 2 queued, buffer 1), have 1: add 3",
    );
    expect(decideOn({ queued: 30, partial: true }).reason).toBe(
      "wanted 10 (0 working, at least 30 queued, buffer 0), have 0: add 10",
    );
    expect(decideOn({ queued: 1, failedLaunches: 20 }).reason).toContain("circuit open, 20 of 20 launches failed");
    expect(decideOn({ queued: 1, agents: agents("retiring", 10) }).reason).toContain("no room under max 10");
  });

  it("counts agents by state", () => {
    expect(countStates([...agents("busy", 2), ...agents("idle")])).toEqual({
      ordered: 0,
      starting: 0,
      idle: 1,
      busy: 2,
      unclear: 0,
      unseen: 0,
      offline: 0,
      retiring: 0,
      failed: 0,
    });
  });
});

describe("scaling that is switched off", () => {
  it("leaves all agents as they are, tells what it would want, and gives those that AWS replaced their role", () => {
    const fleet = [
      ...agents("offline", 2),
      ...agents("offline", 1, { vendorId: "agent-1" }),
      ...agents("idle", 3),
      ...agents("retiring", 1, { drained: true }),
      ...agents("ordered", 3),
      ...agents("failed", 1, { dead: true }),
      ...agents("unclear", 1, { role: undefined }),
    ];
    const off = { enabled: false, canRetire: true, min: 9, max: 20 };
    const nothing = { action: "hold", launch: [], retire: [], discard: [], withdraw: 0 };
    for (const departure of ["by-itself", "by-retirement"] as const) {
      for (const queued of [0, 5]) {
        const decision = decideOn({ agents: fleet, queued, policy: { ...off, departure } });
        expect(decision).toMatchObject({ ...nothing, reason: "scaling is switched off", wanted: 9 });
        expect(decision.assignRoles).toHaveLength(departure === "by-itself" ? 1 : 0);
        expect(decision.scaleIn.count).toBe(0);
      }
    }
  });
});

describe("floor and ceiling", () => {
  it("defect 3: the floor is filled on every pass, whatever the demand", () => {
    for (const alive of [0, 1, 2, 3]) {
      const { launch, wanted } = decideOn({ agents: agents("idle", alive), policy: { min: 3 } });
      expect(wanted).toBe(3);
      expect(launch).toEqual(Array(3 - alive).fill("floor"));
    }
  });

  it("defect 3: the ceiling counts agents that leave or hang, for they still exist", () => {
    const leaving = [...agents("retiring", 5), ...agents("offline", 4)];
    expect(decideOn({ queued: 50, agents: leaving }).launch).toHaveLength(1);
    expect(decideOn({ queued: 50, agents: [...leaving, ...agents("busy")] })).toMatchObject({
      action: "hold",
      launch: [],
      atCeiling: true,
    });
  });

  it("defect 3: agents above the ceiling keep working, and none is added", () => {
    const scene = { queued: 5, agents: agents("busy", 12), policy: byRetirement };
    expect(decideOn(scene)).toMatchObject({ action: "hold", wanted: 10, launch: [], scaleIn: { count: 0 } });
  });

  it("tells that the ceiling keeps jobs waiting, and only then", () => {
    expect(decideOn({ queued: 10 }).atCeiling).toBe(false);
    expect(decideOn({ queued: 11 }).atCeiling).toBe(true);
  });
});

describe("where the vendor does not show its agents", () => {
  const blind = { vendorShowsAgents: false };

  it("takes one agent per running job and one per queued job", () => {
    expect(decideOn({ ...blind, running: 2, queued: 1, agents: agents("unclear", 2) })).toMatchObject({
      wanted: 3,
      launch: ["burst"],
    });
  });

  it("replaces the single-use agent that left between a run's plan and its apply, of which nothing tells", () => {
    expect(decideOn({ ...blind, running: 1 })).toMatchObject({ action: "scale-out", launch: ["burst"] });
  });

  it("retires nothing and stops nothing", () => {
    const scene = { ...blind, agents: agents("unclear", 5), policy: { ...byRetirement, scaleInCooldownSeconds: 0 } };
    expect(decideOn(scene)).toMatchObject({ action: "hold", retire: [], scaleIn: { count: 0 }, discard: [] });
  });
});

describe("the circuit breaker", () => {
  it("opens when as many launches failed within the hour as may, and keeps the rest of the loop going", () => {
    const dead = agents("failed", 1, { dead: true });
    const scene = { queued: 5, agents: dead, policy: { min: 2 } };
    expect(decideOn({ ...scene, failedLaunches: 19 })).toMatchObject({
      circuitOpen: false,
      action: "scale-out",
    });
    expect(decideOn({ ...scene, failedLaunches: 20 })).toMatchObject({
      circuitOpen: true,
      action: "hold",
      launch: [],
      discard: dead,
    });
  });
});
