import { describe, expect, expectTypeOf, it } from "vitest";
import type { Agent, AgentState, Decision, Retiree } from "../../../../handlers/lib/core/model.ts";
import type { Policy } from "../../../../handlers/lib/core/policy.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { now, secondsAgo } from "./arbitraries.ts";
import { agents, byRetirement, decideOn, type Scene, scaledIn } from "./scene.ts";

describe("scale-in", () => {
  it("defect 1: has no way to stop what may work: agents are named and retired, orders are taken back", () => {
    expectTypeOf<
      Exclude<
        keyof Capacity,
        "read" | `remaining${string}` | "launch" | "markRegistered" | "assignRole" | "terminationHook"
      >
    >().toEqualTypeOf<"withdraw" | "discard">();
    expectTypeOf<Decision["retire"]>().toEqualTypeOf<readonly Retiree[]>();
    expectTypeOf<Decision["scaleIn"]["candidates"]>().toEqualTypeOf<readonly Agent[]>();
    expectTypeOf<Decision["discard"]>().toEqualTypeOf<readonly Agent[]>();
  });

  it.each<AgentState>([
    "ordered",
    "starting",
    "busy",
    "unclear",
    "unseen",
    "retiring",
    "offline",
    "failed",
  ])("defect 1: takes no agent that is %s", (state) => {
    const scene = { agents: agents(state, 9), policy: { ...byRetirement, scaleInCooldownSeconds: 0 } };
    expect(decideOn(scene)).toMatchObject({ action: "hold", scaleIn: { count: 0, candidates: [] } });
  });

  it("names more candidates than it needs, so that another can go where one turns out to be busy", () => {
    const scene = { agents: agents("idle", 5), policy: { ...byRetirement, min: 3 } };
    expect(decideOn(scene).scaleIn).toMatchObject({ count: 2, candidates: { length: 5 } });
  });
});

describe("who goes first", () => {
  const ages = (...seconds: number[]) => seconds.map((age) => ({ launchedAt: secondsAgo(age) }));
  const [plain, outdated, rested] = ages(300, 200, 100) as [Partial<Agent>, Partial<Agent>, Partial<Agent>];
  const fleet = [
    ...agents("idle", 1, { ...plain, name: "plain" }),
    ...agents("idle", 1, { ...outdated, name: "outdated", outdated: true, idleSince: secondsAgo(20) }),
    ...agents("idle", 1, { ...rested, name: "rested", outdated: false, idleSince: secondsAgo(90) }),
    ...agents("idle", 1, { launchedAt: secondsAgo(900), name: "floor", role: "floor", outdated: true, idleSince: now }),
    ...agents("busy", 1, { launchedAt: secondsAgo(900), name: "busy", outdated: true }),
  ];

  it.each<[Policy["removalOrder"], string[]]>([
    ["oldest-first", ["plain", "outdated", "rested", "floor"]],
    ["outdated-first", ["outdated", "plain", "rested", "floor"]],
    ["longest-idle-first", ["rested", "outdated", "plain", "floor"]],
  ])("%s, floor agents last, and nobody who works", (removalOrder, order) => {
    const retired = scaledIn(decideOn({ agents: fleet, policy: { ...byRetirement, removalOrder } }));
    expect(retired.map(({ name }) => name)).toEqual(order);
  });
});

describe("scale-in after several observations", () => {
  const surplus = { agents: agents("idle", 6), policy: { ...byRetirement, scaleInAfterObservations: 3 } };

  it.each<[what: string, recentlyWanted: number[], retired: number]>([
    ["retires when as many in a row wanted fewer", [0, 0], 6],
    ["leaves what the highest of them wanted", [4, 1], 2],
    ["forgets what is longer ago", [9, 0, 0], 6],
    ["waits after a cold start", [0], 0],
    ["waits while one of them wanted as many as there are", [6, 0], 0],
    ["waits while one of them wanted more than there are", [0, 9], 0],
  ])("%s", (_, recentlyWanted, retired) => {
    expect(decideOn({ ...surplus, recentlyWanted }).scaleIn.count).toBe(retired);
  });

  it("does not hold back a scale-out", () => {
    expect(decideOn({ ...surplus, queued: 8 }).launch).toHaveLength(2);
  });
});

describe("agents that start", () => {
  it("Semaphore defect 1: let nobody go who is there, for they may never come", () => {
    const scene = (idle: number, starting: number): Scene => ({
      agents: [...agents("idle", idle), ...agents("starting", starting)],
      policy: { ...byRetirement, min: 3 },
    });
    expect(decideOn(scene(3, 4))).toMatchObject({ action: "hold", scaleIn: { count: 0 } });
    expect(decideOn(scene(4, 4)).scaleIn.count).toBe(1);
    expect(decideOn(scene(3, 4)).reason).toContain("4 of them still start");
  });

  it("Spacelift defect 1: stop no scaling, neither out nor in, and nor do those that failed to start", () => {
    const odd = [...agents("starting", 1), ...agents("offline", 1)];
    expect(decideOn({ queued: 3, agents: odd })).toMatchObject({ action: "scale-out", launch: ["burst", "burst"] });
    expect(decideOn({ agents: [...odd, ...agents("idle", 2)], policy: byRetirement }).scaleIn.count).toBe(2);
  });
});

describe("agents that leave", () => {
  it("Spacelift defect 3: are neither retired nor stopped again, and are no supply", () => {
    const scene = { queued: 1, agents: agents("retiring", 2), policy: byRetirement };
    expect(decideOn(scene)).toMatchObject({ supply: 0, launch: ["burst"], retire: [], discard: [] });
  });

  it("Spacelift defect 4: are taken up again where their retirement broke off, some per tick, whatever else is done", () => {
    const drained = agents("retiring", 3, { drained: true });
    const resumed = drained.map((agent) => ({ agent, reason: "drained" }));
    expect(decideOn({ agents: drained, policy: byRetirement }).retire).toEqual(resumed);
    const busyDay = { queued: 5, agents: drained, policy: { ...byRetirement, maxRemovedPerTick: 2 } };
    expect(decideOn(busyDay)).toMatchObject({ action: "scale-out", retire: resumed.slice(0, 2) });
  });

  it("are waited for where AWS's hook holds them and its notice got lost, all of them, before anything else", () => {
    const held = agents("retiring", 3, { held: true });
    const fleet = [...agents("retiring", 2, { drained: true }), ...held];
    const { retire } = decideOn({ agents: fleet, policy: { ...byRetirement, maxRemovedPerTick: 1 } });
    expect(retire.map(({ reason }) => reason)).toEqual(["terminating", "terminating", "terminating", "drained"]);
    expect(retire.slice(0, 3).map(({ agent }) => agent)).toEqual(held);
  });
});

describe("agents that nothing else would make leave", () => {
  it("Azure DevOps defect 3: one that registered and got lost is retired, which looks for a job first", () => {
    const lost = agents("offline", 1, { vendorId: "agent-1" });
    expect(decideOn({ agents: lost, policy: byRetirement }).retire).toEqual([{ agent: lost[0], reason: "offline" }]);
    expect(decideOn({ agents: lost, policy: {} }).retire).toEqual([]);
  });

  it("Semaphore: an instance on which no agent reported is asked by the workflow where nobody else can say", () => {
    const [silent] = agents("unseen", 1);
    const scene = { agents: [silent] as Agent[], policy: { canRetire: true } };
    expect(decideOn({ ...scene, vendorShowsAgents: false }).retire).toEqual([{ agent: silent, reason: "unseen" }]);
    expect(decideOn(scene).retire).toEqual([]);
  });

  it("one whose machine says that its agent never registered is retired and replaced", () => {
    const [failed] = agents("failed", 1, { dead: false });
    const scene = { queued: 1, agents: [failed] as Agent[], policy: byRetirement };
    expect(decideOn(scene)).toMatchObject({
      launch: ["burst"],
      retire: [{ agent: failed, reason: "never-registered" }],
      discard: [],
    });
  });

  it("save no idle agent from scale-in unless they are idle themselves: lost ones are no supply", () => {
    const idle = agents("idle", 3);
    const fleet = [...agents("offline", 2, { vendorId: "agent-1" }), ...idle];
    const decision = decideOn({ agents: fleet, policy: { ...byRetirement, min: 1 } });
    expect(decision.action).toBe("scale-in");
    expect(scaledIn(decision)).toEqual(idle.slice(0, 2));
  });

  it("are retired when too old, idle ones and old ones first, one at a time where the policy sets no share", () => {
    const aged = (state: AgentState, age: number) => agents(state, 1, { launchedAt: secondsAgo(age) })[0] as Agent;
    const [young, old, older] = [aged("idle", 7000), aged("idle", 7300), aged("idle", 7400)];
    const busy = aged("busy", 9000);
    const policy = { ...byRetirement, min: 3, maxLifetimeSeconds: 7200 };
    const reasonOf = (agent: Agent) => [{ agent, reason: "too-old" }];
    expect(decideOn({ agents: [young, old, older], policy })).toMatchObject({
      action: "hold",
      retire: reasonOf(older),
      scaleIn: { count: 0 },
    });
    for (const state of ["ordered", "starting", "retiring"] as const) {
      expect(decideOn({ agents: [young, old, older, ...agents(state)], policy }).retire).toEqual([]);
    }
    expect(decideOn({ agents: [busy, young, old], policy }).retire).toEqual(reasonOf(old));
    expect(decideOn({ agents: [busy], policy: { ...policy, min: 0 } }).retire).toEqual(reasonOf(busy));
    expect(decideOn({ agents: [young], policy: { ...policy, min: 0 } }).retire).toEqual([]);
    const share = { ...policy, min: 1, max: 20, renewAtOncePercent: 50 };
    expect(decideOn({ agents: [busy, young, old, older], policy: share }).retire).toHaveLength(2);
    const decision = decideOn({ agents: [young, old, older], policy: { ...policy, min: 1 } });
    expect(decision.retire).toEqual(reasonOf(older));
    expect(scaledIn(decision)).toEqual([old]);
  });

  it("are retired when their template is outdated, only where the policy rolls templates out", () => {
    const fleet = agents("busy", 10, { outdated: true });
    const reasons = (policy: object) => decideOn({ agents: fleet, policy }).retire.map(({ reason }) => reason);
    expect(reasons({ ...byRetirement, renewAtOncePercent: 30 })).toEqual(["outdated", "outdated", "outdated"]);
    expect(reasons(byRetirement)).toEqual([]);
  });

  it("a new template whose instances never work costs one batch: nothing is replaced while agents are missing", () => {
    const fleet = agents("idle", 3, { outdated: true });
    const policy = { ...byRetirement, renewAtOncePercent: 100 };
    expect(decideOn({ agents: fleet, policy: { ...policy, min: 3 } }).retire).toHaveLength(3);
    expect(decideOn({ agents: fleet, policy: { ...policy, min: 4 } }).retire).toEqual([]);
  });
});

describe("roles of agents that a group launched", () => {
  const without = (age: number) => agents("unclear", 1, { role: undefined, launchedAt: secondsAgo(age) });

  it("make the oldest floor agents until the floor is there, and the others burst agents", () => {
    const [young, old, middle] = [...without(10), ...without(30), ...without(20)];
    const floor = agents("unclear", 1, { role: "floor" });
    const scene = { vendorShowsAgents: false, policy: { min: 3 } };
    expect(decideOn({ ...scene, agents: [young, old, middle, ...floor] as Agent[] }).assignRoles).toEqual([
      { agent: old, role: "floor" },
      { agent: middle, role: "floor" },
      { agent: young, role: "burst" },
    ]);
  });

  it("count the buffer where it is larger than the floor", () => {
    const { assignRoles } = decideOn({ agents: [...without(9), ...without(8)], policy: { min: 1, buffer: 2 } });
    expect(assignRoles.map(({ role }) => role)).toEqual(["floor", "floor"]);
  });

  it("Semaphore defect 1: floor and buffer stay there while single-use agents work", () => {
    const scene = { vendorShowsAgents: false, running: 3, policy: { buffer: 3, singleUse: true } };
    const working = agents("unclear", 3, { role: "floor" });
    expect(decideOn({ ...scene, agents: working }).launch).toEqual(["floor", "floor", "floor"]);
    const launched = [...working, ...without(3), ...without(2), ...without(1)];
    expect(decideOn({ ...scene, agents: launched }).assignRoles.map(({ role }) => role)).toEqual(
      Array(3).fill("floor"),
    );
    const burst = agents("unclear", 2);
    expect(decideOn({ ...scene, agents: [...working, ...burst] }).launch).toEqual(["floor"]);
    expect(decideOn({ ...scene, running: 9, agents: [...agents("unclear", 9), ...working] }).launch).toEqual([]);
  });

  it("take jobs to be with burst agents first where nobody shows who works: the floor is whole then", () => {
    const scene = { vendorShowsAgents: false, running: 2, queued: 1, policy: { buffer: 3, singleUse: true } };
    const floor = agents("unclear", 3, { role: "floor" });
    expect(decideOn({ ...scene, agents: [...floor, ...agents("unclear", 2)] }).launch).toEqual(["burst"]);
    expect(decideOn({ ...scene, agents: [...floor, ...agents("unclear", 1)] }).launch).toEqual(["floor", "burst"]);
  });

  it("are lost with the agents too many, when there is no job anywhere", () => {
    const floor = [
      ...agents("unclear", 2, { role: "floor" }),
      ...agents("unclear", 1, { role: "floor", launchedAt: secondsAgo(900) }),
    ];
    const oldest = floor[2];
    const scene = { vendorShowsAgents: false, agents: [...floor, ...agents("unclear", 2)] };
    const policy = { min: 2, canRetire: true } as const;
    const surplus = [{ agent: oldest, reason: "surplus" }];
    expect(decideOn({ ...scene, policy }).retire).toEqual(surplus);
    expect(decideOn({ ...scene, policy: { ...policy, min: 0, maxRemovedPerTick: 2 } }).retire).toHaveLength(2);
    const elsewhere = (["busy", "starting", "retiring"] as const).flatMap((state) =>
      agents(state, 1, { role: "floor" }),
    );
    expect(decideOn({ ...scene, agents: [...floor, ...elsewhere], policy }).retire).toEqual(surplus);
    for (const other of [{ running: 1 }, { queued: 1 }])
      expect(decideOn({ ...scene, policy, ...other }).retire).toEqual([]);
    for (const change of [{ canRetire: false } as const, byRetirement, { buffer: 3 }]) {
      expect(decideOn({ ...scene, policy: { ...policy, ...change } }).retire).toEqual([]);
    }
  });

  it("count a floor agent that works only where it comes back", () => {
    const scene = { agents: [...agents("busy", 1, { role: "floor" }), ...agents("idle", 1, { role: "floor" })] };
    const policy = { min: 2, buffer: 2 };
    expect(decideOn({ ...scene, policy: { ...policy, singleUse: true } }).launch).toEqual(["floor"]);
    expect(decideOn({ ...scene, policy: { ...policy, singleUse: false } }).launch).toEqual(["burst"]);
  });

  it("are not given to agents that leave, nor where nobody leaves by himself, nor twice", () => {
    const leaving = agents("retiring", 1, { role: undefined });
    expect(decideOn({ agents: [...leaving, ...agents("idle", 2)], policy: { min: 2 } }).assignRoles).toEqual([]);
    expect(decideOn({ agents: without(9), policy: { ...byRetirement, min: 2 } }).assignRoles).toEqual([]);
  });
});

describe("a pool that may have no agents, as under a drain", () => {
  const policy = { ...byRetirement, min: 0, max: 0, maxRemovedPerTick: 3, scaleInAfterObservations: 6 };
  const reasons = (scene: Scene) => decideOn(scene).retire.map(({ agent, reason }) => `${agent.state} ${reason}`);

  it("retires all that can be locked, idle ones first, at the pace of the policy, whatever jobs wait", () => {
    const fleet = [...agents("busy", 2), ...agents("unclear"), ...agents("idle")];
    for (const queued of [0, 5]) {
      const found = reasons({ agents: fleet, queued, running: 2, policy });
      expect(found).toEqual(["idle surplus", "unclear surplus", "busy surplus"]);
    }
  });

  it.each<AgentState>(["ordered", "starting", "unseen", "retiring"])("takes no agent that is %s", (state) => {
    expect(reasons({ agents: agents(state, 2), policy })).toEqual([]);
  });

  it("launches nobody, and takes orders back", () => {
    const decision = decideOn({
      agents: agents("ordered", 2),
      queued: 5,
      recentlyWanted: [0, 0, 0, 0, 0, 0],
      policy,
    });
    expect(decision).toMatchObject({ launch: [], withdraw: 2 });
  });

  it("lets agents leave by themselves where nothing can lock them", () => {
    expect(
      reasons({ agents: agents("idle", 2), policy: { ...policy, departure: "by-itself", canRetire: false } }),
    ).toEqual([]);
  });

  it("holds under a pause", () => {
    expect(reasons({ agents: agents("idle", 2), policy: { ...policy, enabled: false } })).toEqual([]);
  });
});
