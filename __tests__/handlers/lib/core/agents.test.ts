import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { agentNamePrefix, joinAgents } from "../../../../handlers/lib/core/agents.ts";
import type { AgentState } from "../../../../handlers/lib/core/model.ts";
import type { CapacityMember, VendorAgent } from "../../../../handlers/lib/core/ports.ts";
import { decide } from "../../../../handlers/lib/core/scaling.ts";
import { policyOf } from "../../../fixtures/policy.ts";
import { anyForeignAgents, anyMembers, anyVendorAgents, now, secondsAgo } from "./arbitraries.ts";

const registrationGraceSeconds = 300;

function join(
  members: readonly CapacityMember[],
  vendorAgents: readonly VendorAgent[] | undefined,
  { retiring = new Set<string>(), missingSince = new Map<string, Date>() } = {},
) {
  const namePrefix = agentNamePrefix("ci");
  return joinAgents({ members, vendorAgents, retiring, missingSince, namePrefix, registrationGraceSeconds, now });
}

function member(changes: Partial<CapacityMember> = {}): CapacityMember {
  return { id: "task-1", agentName: "ci_1", role: "burst", phase: "running", launchedAt: secondsAgo(10), ...changes };
}

const old = { launchedAt: secondsAgo(registrationGraceSeconds + 1) };

type Row = [what: string, member: CapacityMember, records: VendorAgent["state"][] | undefined, state: AgentState];

describe("an agent's state", () => {
  it.each<Row>([
    ["is starting until it registers", member(), [], "starting"],
    ["is starting while its task is pending", member({ phase: "pending" }), [], "starting"],
    ["is starting to the last second of its grace", member({ launchedAt: secondsAgo(300) }), [], "starting"],
    ["is unseen after its grace: that it is not listed proves nothing", member(old), [], "unseen"],
    ["is unseen when it is still pending after its grace", member({ ...old, phase: "pending" }), [], "unseen"],
    ["is ordered, however long ago, while AWS has not begun", member({ ...old, phase: "ordered" }), [], "ordered"],
    ["is failed once its machine says that it never registered", member({ neverRegistered: true }), [], "failed"],
    [
      "is never failed for having never registered if it ever did",
      member({ ...old, registered: true, neverRegistered: true }),
      [],
      "unclear",
    ],
    [
      "is never failed so where the vendor shows none",
      member({ ...old, registered: true, neverRegistered: true }),
      undefined,
      "unclear",
    ],
    ["is busy when it registered after all", member({ neverRegistered: true }), ["busy"], "busy"],
    ["is retiring while its group's hook holds it", member({ ...old, phase: "held" }), ["busy"], "retiring"],
    ["is starting while it is registered but not connected", member(), ["offline"], "starting"],
    ["is offline when it is not connected after its grace", member(old), ["offline"], "offline"],
    ["is idle as the vendor says", member(old), ["idle"], "idle"],
    ["is busy as the vendor says", member(old), ["busy"], "busy"],
    ["is the vendor's even if the task seems not to run yet", member({ phase: "pending" }), ["busy"], "busy"],
    ["is retiring while it is drained, whether it works or not", member(old), ["draining"], "retiring"],
    ["is retiring once the vendor says that it left", member(), ["gone"], "retiring"],
    ["is retiring when its task stops", member({ phase: "stopping" }), ["idle"], "retiring"],
    ["is retiring when its task stops before it registered", member({ ...old, phase: "stopping" }), [], "retiring"],
    ["is the busiest of several records", member(), ["idle", "busy", "gone"], "busy"],
    ["is idle if one of several records is not drained", member(), ["draining", "idle", "offline"], "idle"],
    ["is that of the drained record when others are gone", member(old), ["gone", "draining", "offline"], "retiring"],
    ["is that of the new record when an old one is gone", member(), ["gone", "idle"], "idle"],
    ["is unclear where the vendor shows no agents", member(old), undefined, "unclear"],
    ["is starting where the vendor shows none, until it runs", member({ phase: "pending" }), undefined, "starting"],
    [
      "is ordered where the vendor shows none and AWS has not begun",
      member({ phase: "ordered" }),
      undefined,
      "ordered",
    ],
    ["is unclear where the vendor shows none and it is young", member({ registered: false }), undefined, "unclear"],
    [
      "is unseen where the vendor shows none and its machine has not reported an agent in time",
      member({ ...old, registered: false }),
      undefined,
      "unseen",
    ],
    ["is unclear once its machine has reported its agent", member({ ...old, registered: true }), undefined, "unclear"],
    [
      "is failed where the vendor shows none and its machine says so",
      member({ registered: false, neverRegistered: true }),
      undefined,
      "failed",
    ],
    ["is retiring where the vendor shows none", member({ phase: "stopping" }), undefined, "retiring"],
    ["is failed when its machine died at boot", member({ phase: "failed" }), undefined, "failed"],
    ["is failed at once when its machine died before it registered", member({ phase: "failed" }), [], "failed"],
    ["is retiring when its host ended after it had registered", member({ phase: "failed" }), ["busy"], "retiring"],
  ])("%s", (_, ours, records, state) => {
    const vendorAgents = records?.map((each, index) => ({ id: `agent-${index}`, name: "ci_1", state: each }));
    expect(join([ours], vendorAgents).agents.map((agent) => agent.state)).toEqual([state]);
  });
});

describe("an agent that is registered and not connected", () => {
  it.each([
    [1, "unclear"],
    [registrationGraceSeconds, "unclear"],
    [registrationGraceSeconds + 1, "offline"],
  ])("for %i s is %s, however old it is", (seconds, state) => {
    const record = { id: "agent-1", name: "ci_1", state: "offline", offlineSince: secondsAgo(seconds) } as const;
    expect(join([member(old)], [record]).agents).toMatchObject([{ state, vendorId: "agent-1" }]);
  });
});

describe("an agent that had registered and is missing at the vendor", () => {
  const registered = member({ ...old, registered: true });
  const missingFor = (seconds?: number) =>
    join([registered], [], { missingSince: new Map(seconds === undefined ? [] : [["ci_1", secondsAgo(seconds)]]) });

  it("may still work for another grace, from when it was first missed", () => {
    expect(missingFor()).toMatchObject({ agents: [{ state: "unclear" }], missingSince: new Map([["ci_1", now]]) });
    const last = missingFor(registrationGraceSeconds);
    expect(last).toMatchObject({ agents: [{ state: "unclear" }], missingSince: new Map([["ci_1", secondsAgo(300)]]) });
    expect(missingFor(registrationGraceSeconds + 1).agents).toMatchObject([{ state: "unseen" }]);
  });

  it("is what it was when it is back, and forgotten when it is gone", () => {
    const missingSince = new Map([["ci_1", secondsAgo(299)]]);
    const back = join([registered], [{ id: "agent-1", name: "ci_1", state: "busy" }], { missingSince });
    expect(back).toMatchObject({ agents: [{ state: "busy" }], missingSince: new Map() });
    expect(join([], [], { missingSince }).missingSince).toEqual(new Map());
  });

  it("is known by its capacity, which is told of each that it does not know yet", () => {
    const record: VendorAgent = { id: "agent-1", name: "ci_1", state: "offline" };
    expect(join([member({ registered: false })], [record]).newlyRegistered).toEqual(["task-1"]);
    expect(join([member({ registered: false })], []).newlyRegistered).toEqual([]);
    expect(join([registered], [record]).newlyRegistered).toEqual([]);
    expect(join([member()], [record]).newlyRegistered).toEqual(["task-1"]);
    expect(join([member()], [{ ...record, state: "gone" }]).newlyRegistered).toEqual([]);
  });
});

describe("while the vendor lists an agent that nobody can place", () => {
  const unplaced: VendorAgent = { id: "worker-9", name: "worker-9", state: "busy", unmatched: true };
  const gone: VendorAgent = { id: "agent-1", name: "ci_1", state: "gone" };

  it.each<[what: string, member: CapacityMember, records: readonly VendorAgent[], state: AgentState]>([
    ["that is old is unseen", member(old), [], "unseen"],
    ["that said that it never registered is unseen", member({ neverRegistered: true }), [], "unseen"],
    ["that had registered is unseen at once", member({ ...old, registered: true }), [], "unseen"],
    ["of which the vendor says that its agent left is unseen", member(old), [gone], "unseen"],
    ["that is young is starting", member(), [], "starting"],
    ["that is ordered is so", member({ phase: "ordered" }), [], "ordered"],
    ["that AWS calls dead is failed", member({ phase: "failed" }), [], "failed"],
    ["that its group's hook holds is retiring", member({ ...old, phase: "held" }), [], "retiring"],
    ["that is placed is as the vendor says", member(old), [{ ...gone, state: "idle" }], "idle"],
  ])("a machine %s", (_, ours, records, state) => {
    expect(join([ours], [unplaced, ...records]).agents.map((agent) => agent.state)).toEqual([state]);
  });

  it("no machine is retired or discarded but those that are placed, held or dead", () => {
    const policy = policyOf({ departure: "by-retirement", canRetire: true, scaleInCooldownSeconds: 0, max: 100 });
    fc.assert(
      fc.property(anyMembers, anyVendorAgents, (members, records) => {
        const { agents } = join(members, [...records, unplaced]);
        const demand = { queued: 0, running: 0 };
        const seen = { demand, agents, vendorShowsAgents: true, launches: [], circuit: {}, recentlyWanted: [] };
        const { retire, discard, scaleIn } = decide(seen, policy, now);
        const listed = new Set(records.filter(({ state }) => state !== "gone").map(({ name }) => name));
        const touched = [...retire.map(({ agent }) => agent), ...scaleIn.candidates, ...discard];
        expect(touched.filter(({ name, held, dead }) => !listed.has(name) && !held && !dead)).toEqual([]);
      }),
    );
  });

  it("is over when that agent is gone", () => {
    const { agents } = join([member({ neverRegistered: true })], [{ ...unplaced, state: "gone" }]);
    expect(agents).toMatchObject([{ state: "failed" }]);
  });
});

describe("retirement", () => {
  const under = new Set(["ci_1"]);
  const drained: VendorAgent[] = [{ id: "agent-1", name: "ci_1", state: "draining" }];

  it.each<VendorAgent["state"]>([
    "idle",
    "busy",
    "draining",
    "offline",
    "gone",
  ])("makes an agent that is %s a leaving one as soon as it is under way", (state) => {
    const { agents } = join([member(old)], [{ id: "agent-1", name: "ci_1", state }], { retiring: under });
    expect(agents).toMatchObject([{ state: "retiring", drained: false }]);
  });

  it("Spacelift defect 3: a drained agent stays in the picture, and is neither idle nor unregistered", () => {
    expect(join([member(old)], drained).agents).toMatchObject([{ state: "retiring", vendorId: "agent-1" }]);
  });

  it("Spacelift defect 4: a drained agent that nobody retires is to be retired again, and no other", () => {
    const drainedOf = (...input: Parameters<typeof join>) => join(...input).agents.map((agent) => agent.drained);
    expect(drainedOf([member(old)], drained)).toEqual([true]);
    expect(drainedOf([member(old)], drained, { retiring: under })).toEqual([false]);
    expect(drainedOf([member({ ...old, phase: "stopping" })], drained)).toEqual([false]);
    expect(drainedOf([member(old)], [{ id: "agent-1", name: "ci_1", state: "idle" }])).toEqual([false]);
    expect(drainedOf([member(old)], undefined)).toEqual([false]);
  });
});

describe("the join", () => {
  it("carries over what the capacity and the vendor know", () => {
    const idleSince = secondsAgo(5);
    const record: VendorAgent = { id: "agent-7", name: "ci_1", state: "busy", idleSince };
    const { agents } = join([member({ role: "floor", outdated: true })], [record]);
    expect(agents).toEqual([
      {
        name: "ci_1",
        capacityId: "task-1",
        vendorId: "agent-7",
        role: "floor",
        launchedAt: secondsAgo(10),
        idleSince,
        outdated: true,
        drained: false,
        held: false,
        dead: false,
        state: "busy",
      },
    ]);
  });

  it("names as orphans the gone records of ours whose task is gone, and no other", () => {
    const orphan: VendorAgent = { id: "agent-1", name: "ci_9", state: "gone" };
    const others: VendorAgent[] = [
      { id: "agent-2", name: "ci_8", state: "busy" },
      { id: "agent-3", name: "ci_1", state: "gone" },
      { id: "agent-4", name: "ci-2_9", state: "gone" },
      { id: "agent-5", name: "someone", state: "gone" },
    ];
    expect(join([member()], [orphan, ...others]).orphans).toEqual([orphan]);
  });

  it("names as orphans those that have been offline for longer than their grace, not those that may be starting", () => {
    const record = (id: string, offlineSince?: Date): VendorAgent => ({
      id,
      name: `ci_${id}`,
      state: "offline",
      ...(offlineSince && { offlineSince }),
    });
    const lost = record("lost", secondsAgo(registrationGraceSeconds + 1));
    const starting = record("starting", secondsAgo(registrationGraceSeconds));
    expect(join([], [lost, starting, record("puzzling")]).orphans).toEqual([lost]);
  });

  it("has one agent per member, whatever the vendor says", () => {
    fc.assert(
      fc.property(anyMembers, fc.option(anyVendorAgents, { nil: undefined }), (members, vendorAgents) => {
        const { agents } = join(members, vendorAgents);
        expect(agents.map((agent) => agent.capacityId)).toEqual(members.map((each) => each.id));
      }),
    );
  });

  it("calls an agent idle only if all of its records that are not gone say so", () => {
    fc.assert(
      fc.property(anyMembers, anyVendorAgents, (members, vendorAgents) => {
        for (const { name } of join(members, vendorAgents).agents.filter(({ state }) => state === "idle")) {
          const states = vendorAgents.filter((record) => record.name === name).map((record) => record.state);
          expect(states).toContain("idle");
          expect(states).not.toContain("busy");
        }
      }),
    );
  });

  it("calls an agent offline only after its grace, and only by the vendor's word", () => {
    fc.assert(
      fc.property(anyMembers, fc.option(anyVendorAgents, { nil: undefined }), (members, vendorAgents) => {
        for (const agent of join(members, vendorAgents).agents.filter(({ state }) => state === "offline")) {
          const records = vendorAgents?.filter((record) => record.name === agent.name);
          expect(records?.some(({ state }) => state === "offline")).toBe(true);
          expect(records?.filter(({ state }) => state !== "offline" && state !== "gone")).toEqual([]);
          expect(agent.launchedAt.getTime()).toBeLessThan(secondsAgo(registrationGraceSeconds).getTime());
        }
      }),
    );
  });

  it("calls an agent failed by AWS's or its machine's own word alone", () => {
    fc.assert(
      fc.property(anyMembers, fc.option(anyVendorAgents, { nil: undefined }), (members, vendorAgents) => {
        const { agents } = join(members, vendorAgents);
        agents.forEach(({ state }, index) => {
          const { phase, neverRegistered, registered } = members[index] ?? {};
          if (state === "failed") expect(phase === "failed" || (neverRegistered && !registered)).toBe(true);
        });
      }),
    );
  });

  it("is blind to agents that are not ours", () => {
    fc.assert(
      fc.property(anyMembers, anyVendorAgents, anyForeignAgents, (members, vendorAgents, foreign) => {
        expect(join(members, [...foreign, ...vendorAgents])).toEqual(join(members, vendorAgents));
      }),
    );
  });
});
