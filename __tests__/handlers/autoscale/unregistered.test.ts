import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import type { FleetFake } from "../../fakes/fleet.ts";
import type { LogFake, MetricsFake } from "../../fakes/log.ts";
import { type AutoscaleHarness, createAutoscaleHarness, failureOf } from "./harness.ts";

let clock: FakeClock;
let fleet: FleetFake;
let log: LogFake;
let metrics: MetricsFake;
let deps: AutoscaleDeps;
let agent: AutoscaleHarness["addAgent"];

function setUp(policy: Partial<AutoscaleDeps["policy"]> = {}): void {
  const harness = createAutoscaleHarness(policy);
  ({ clock, fleet, log, metrics, addAgent: agent } = harness);
  deps = { ...harness.deps, retirements: fleet.retirements };
}

beforeEach(() => setUp());

const nothingWasStopped = () => {
  expect([fleet.discarded, fleet.retired, fleet.withdrawn]).toEqual([[], [], []]);
};

describe("an agent that runs and that the vendor does not list", () => {
  it.each<[why: string, policy: Partial<AutoscaleDeps["policy"]>]>([
    ["HCP: the agents' token belongs to another pool", {}],
    ["Azure DevOps: poolId is that of another pool", { departure: "by-retirement", canRetire: true }],
    ["Spacelift: a worker's metadata does not name its instance", { departure: "by-retirement", canRetire: true }],
  ])("is never stopped, counts against max and is told of (%s)", async (_, policy) => {
    setUp({ ...policy, max: 3 });
    for (const name of ["ci_a", "ci_b"]) agent(name);
    fleet.demand = { queued: 5, running: 2 };
    for (let hours = 0; hours < 5; hours += 1) {
      await runPass(deps);
      clock.advance(3_600_000);
    }
    nothingWasStopped();
    expect(fleet.launches[0]).toHaveLength(1);
    expect(metrics.records.at(-1)).toMatchObject({ AgentsUnseen: 2 });
    expect(log.lines.at(-1)?.fields).toMatchObject({ unseen: ["ci_a", "ci_b"] });
  });

  it("is left alone where it had registered and disappears from the list, however long", async () => {
    agent("ci_a", "busy", { registered: true });
    await runPass({ ...deps, tickSeconds: 60 });
    fleet.vendorAgents = [];
    const states: unknown[] = [];
    for (const seconds of [60, 60, deps.policy.registrationGraceSeconds, 86_400]) {
      await runPass({ ...deps, tickSeconds: 60 });
      const { AgentsUnclear, AgentsUnseen } = metrics.records.at(-1) ?? {};
      states.push([AgentsUnclear, AgentsUnseen]);
      clock.advance(seconds * 1000);
    }
    expect(states).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 1],
    ]);
    nothingWasStopped();
  });

  it("keeps its place in the fleet where it is missing from two listings only", async () => {
    setUp({ min: 1 });
    agent("ci_a", "busy", { registered: true });
    await runPass({ ...deps, tickSeconds: 60 });
    const { vendorAgents } = fleet;
    fleet.vendorAgents = [];
    for (let listings = 0; listings < 2; listings += 1) await runPass({ ...deps, tickSeconds: 60 });
    fleet.vendorAgents = vendorAgents;
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.launches).toEqual([]);
    nothingWasStopped();
  });
});

describe("what is known of registrations", () => {
  it("is told to the capacity, of each agent that it does not know to have registered", async () => {
    agent("ci_a", "busy", { registered: false });
    agent("ci_b", undefined, { registered: false, launchedAt: clock.now() });
    agent("ci_c", "idle", { registered: true });
    fleet.failures.set("capacity.markRegistered", new Error("throttled"));
    await expect(runPass(deps)).rejects.toThrow("throttled");
    fleet.failures.clear();
    await runPass(deps);
    expect(new Set(fleet.marked)).toEqual(new Set(["task-ci_a"]));
  });
});

describe("an agent whose machine says that it never registered", () => {
  it("is retired, which asks again, and is no supply", async () => {
    setUp({ canRetire: true, min: 1 });
    agent("i-a", undefined, { neverRegistered: true, launchedAt: clock.now() });
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.retired).toMatchObject([{ agent: { name: "i-a" }, reason: "never-registered" }]);
    expect(fleet.launches[0]).toHaveLength(1);
  });
});

describe("a worker of ours that nobody can place", () => {
  it("keeps every machine without a worker, whatever that said, and they are told of as unseen", async () => {
    setUp({ departure: "by-retirement", canRetire: true });
    fleet.vendorAgents = [{ id: "worker-1", name: "worker-1", state: "busy", unmatched: true }];
    agent("i-a");
    agent("i-b", undefined, { neverRegistered: true });
    agent("i-c", undefined, { registered: true });
    agent("i-d", "idle");
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.retired.map(({ agent: { name } }) => name)).toEqual(["i-d"]);
    expect(fleet.discarded).toEqual([]);
    expect(metrics.records.map(({ AgentsUnseen }) => AgentsUnseen)).toEqual([3]);
  });
});

describe("machines that AWS calls dead", () => {
  it("are discarded; one that cannot be fails the pass and keeps no other from it", async () => {
    for (const name of ["i-a", "i-b"]) agent(name, undefined, { phase: "failed" });
    let asked = 0;
    fleet.onCall = (call) => {
      if (call !== "capacity.discard") return;
      asked += 1;
      if (asked === 1) fleet.failures.set(call, new Error("denied"));
      else fleet.failures.delete(call);
    };
    expect((await failureOf(runPass(deps))).message).toContain("i-a");
    expect(fleet.discarded).toMatchObject([{ id: "task-i-b" }]);
  });
});

describe("orders where AWS has no capacity, of a fleet with a fallback", () => {
  it("are withdrawn, so that the next tick launches what is missing, and the fallback is in log and metrics", async () => {
    for (let number = 0; number < 4; number += 1) agent(`ordered ${number}`, undefined, { phase: "ordered" });
    fleet.demand = { queued: 4, running: 0 };
    fleet.fallback = { active: true, ordersToMove: 4, settling: false };
    await runPass({ ...deps, tickSeconds: 60 });
    expect([fleet.withdrawn, fleet.launches]).toEqual([[4], []]);
    expect(metrics.records).toMatchObject([{ OnDemandFallback: 1 }]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ message: "decision", fields: expect.objectContaining({ onDemandFallback: true }) }),
    );
    fleet.fallback = { active: false, ordersToMove: 0, settling: false };
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.withdrawn).toHaveLength(1);
    expect(metrics.records).toMatchObject([{}, { OnDemandFallback: 0 }]);
  });
});

describe("orders that no job waits for any more", () => {
  it("are withdrawn, and those that AWS had begun by then are not missed", async () => {
    for (let number = 0; number < 4; number += 1) agent(`ordered ${number}`, undefined, { phase: "ordered" });
    fleet.demand = { queued: 1, running: 0 };
    await deps.notebook.write({ recentlyWanted: [1, 1, 1, 1, 1], missingSince: {} });
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.withdrawn).toEqual([3]);
    expect(metrics.records).toMatchObject([{ AgentsOrdered: 4 }]);
  });
});
