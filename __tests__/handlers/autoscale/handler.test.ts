import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { drainReport } from "../../../handlers/lib/core/drain-report.ts";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import { type Overrides, underOverrides } from "../../../handlers/lib/core/overrides.ts";
import type { VendorAgent } from "../../../handlers/lib/core/ports.ts";
import { demandOfRuns } from "../../../handlers/lib/vendors/hcp-terraform/demand.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import type { FleetFake } from "../../fakes/fleet.ts";
import type { LogFake, MetricsFake } from "../../fakes/log.ts";
import { type AutoscaleHarness, createAutoscaleHarness } from "./harness.ts";

let clock: FakeClock;
let fleet: FleetFake;
let log: LogFake;
let metrics: MetricsFake;
let deps: AutoscaleDeps;
let agent: AutoscaleHarness["addAgent"];

beforeEach(setUp);

function setUp(): void {
  ({ clock, fleet, log, metrics, deps, addAgent: agent } = createAutoscaleHarness());
}

function withPolicy(policy: Partial<AutoscaleDeps["policy"]>): void {
  deps = { ...deps, policy: { ...deps.policy, ...policy } };
}

describe("what a tick does", () => {
  it("launches what is missing, each agent under a name of its own that begins with the fleet's", async () => {
    fleet.demand = { queued: 2, running: 0 };
    withPolicy({ min: 1 });
    fleet.onCall = (call) => {
      if (call === "capacity.launch") fleet.demand = { queued: 0, running: 0 };
    };
    await runPass(deps);
    expect(fleet.launches[0]).toEqual([
      { agentName: "ci_s1", role: "floor" },
      { agentName: "ci_s2", role: "burst" },
    ]);
    expect(metrics.records[0]).toMatchObject({ Launched: 2, LaunchFailures: 0, AgentsWanted: 2 });
  });

  it("counts every running job where the vendor does not show its agents", async () => {
    fleet.vendorAgents = undefined;
    fleet.demand = { queued: 0, running: 2 };
    agent("ci_a");
    await runPass(deps);
    expect(fleet.launches[0]).toHaveLength(1);
    expect(metrics.records[0]).toMatchObject({ AgentsUnclear: 1, AgentsWanted: 2 });
  });

  it("reads capacity, then agents, then jobs, so that a job that starts meanwhile is not seen twice", async () => {
    await runPass(deps);
    expect(fleet.calls.slice(0, 3)).toEqual(["capacity.read", "vendor.listAgents", "vendor.readDemand"]);
  });

  it("leaves one log line with the reason, before it acts", async () => {
    fleet.demand = { queued: 1, running: 0 };
    fleet.onCall = (call) => {
      if (call === "capacity.launch") expect(log.lines).toHaveLength(fleet.launches.length + 1);
    };
    await runPass(deps);
    expect(fleet.launches.length).toBeGreaterThan(0);
    expect(log.lines[0]).toMatchObject({
      message: "decision",
      fields: { action: "scale-out", wanted: 1, supply: 0, queued: 1, launching: 1 },
    });
    expect(String(log.lines[0]?.fields.reason)).toContain("add 1");
  });

  it("tell for how long jobs wait without a pause where the vendor does not tell since when", async () => {
    fleet.failures.set("capacity.launch", new Error("no capacity"));
    fleet.demand = { queued: 2, running: 0 };
    const waits = async (pass: Promise<unknown>) => {
      await pass.catch(() => {});
      return metrics.records.at(-1)?.OldestQueuedSeconds;
    };
    expect(await waits(runPass(deps))).toBe(0);
    clock.advance(120_000);
    expect(await waits(runPass(deps))).toBe(120);
    fleet.demand = { queued: 0, running: 2 };
    expect(await waits(runPass(deps))).toBe(0);
    fleet.demand = { queued: 1, running: 0 };
    clock.advance(60_000);
    expect(await waits(runPass(deps))).toBe(0);
  });

  it("records every figure of a tick once", async () => {
    agent("ci_a", "idle");
    agent("ci_b", "busy");
    agent("ci_c", "gone");
    agent("ci_d", undefined, { launchedAt: clock.now() });
    fleet.demand = { queued: 12, running: 1, oldestQueuedAt: new Date(clock.now().getTime() - 90_000) };
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") clock.advance(1_000);
    };
    await runPass(deps);
    expect(metrics.records[0]).toEqual({
      JobsQueued: 12,
      JobsRunning: 1,
      AgentsMax: 10,
      AgentsRunning: 4,
      BootSeconds: [],
      QueueWaitSeconds: [],
      OldestQueuedSeconds: 91,
      QueuedWithoutAgents: 0,
      AgentsOrdered: 0,
      AgentsStarting: 1,
      AgentsIdle: 1,
      AgentsBusy: 1,
      AgentsUnclear: 0,
      AgentsUnseen: 0,
      AgentsRetiring: 1,
      AgentsOffline: 0,
      AgentsOutdated: 0,
      AgentsWanted: 10,
      Launched: 6,
      LaunchFailures: 0,
      RetirementsStarted: 0,
      VendorApiErrors: 0,
      CircuitOpen: 0,
      AtCeiling: 1,
      TickSeconds: 1,
    });
    expect(metrics.records).toHaveLength(1);
  });
});

describe("jobs that wait where nobody works", () => {
  it.each<[what: string, expected: number, state: VendorAgent["state"] | undefined, queued: number]>([
    ["are told of while agents only start", 1, undefined, 1],
    ["are told of while agents only leave", 1, "draining", 1],
    ["are none when none waits", 0, undefined, 0],
    ["are not told of while an agent works", 0, "busy", 1],
    ["are not told of while an agent is free", 0, "idle", 1],
  ])("%s", async (_, expected, state, queued) => {
    agent("ci_a", state, { launchedAt: clock.now() });
    fleet.demand = { queued, running: 0 };
    await runPass(deps);
    expect(metrics.records[0]).toMatchObject({ QueuedWithoutAgents: expected });
  });
});

describe("orphans", () => {
  beforeEach(() => {
    for (const name of ["ci_x", "ci_y"]) fleet.vendorAgents?.push({ id: `orphan-${name}`, name, state: "gone" });
    fleet.vendorAgents?.push({ id: "foreign", name: "someone", state: "gone" });
  });

  it("are removed, some per tick, and foreign records are not", async () => {
    await runPass(deps);
    expect(fleet.removed).toEqual(["orphan-ci_x", "orphan-ci_y"]);
    withPolicy({ maxRemovedPerTick: 1 });
    await runPass(deps);
    expect(fleet.removed).toHaveLength(3);
  });

  it("fail no pass when the vendor does not let them be removed, but are told", async () => {
    fleet.failures.set("vendor.removeAgent", new VendorApiError("unavailable", "down"));
    await runPass(deps);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ agent: "ci_x" }) }),
    );
    expect(metrics.records).toMatchObject([{ VendorApiErrors: 1 }]);
  });
});

describe("jobs that want no agent", () => {
  const since = new Date("2026-01-01T00:00:00.000Z");
  const run = (status: string, workspaceId = "ws-1", planOnly = false) => ({ status, workspaceId, planOnly, since });

  it.each<[what: string, runs: ReturnType<typeof run>[], launches: number]>([
    ["a plan that waits for a person", [run("planned"), run("policy_override", "ws-2")], 0],
    ["runs queued behind another of their workspace", [run("planning"), run("pending"), run("pending")], 0],
    ["one of several runs of a workspace that wants an agent", [run("plan_queued"), run("pending")], 1],
    [
      "speculative plans, which wait for nobody",
      [run("plan_queued", "ws-1", true), run("plan_queued", "ws-1", true)],
      2,
    ],
  ])("defect 7: %s", async (_, runs, launches) => {
    fleet.demand = demandOfRuns(runs, clock.now());
    if (fleet.demand.running > 0) agent("ci_a", "busy");
    await runPass(deps);
    expect(fleet.launches[0]?.length ?? 0).toBe(launches);
  });
});

it("asks for no more jobs than show that the ceiling keeps some waiting, and tells that its numbers are lower bounds", async () => {
  const { deps, fleet, metrics, log } = createAutoscaleHarness({ max: 7 });
  const asked: unknown[] = [];
  const vendor: typeof deps.vendor = {
    ...fleet.vendor,
    async readDemand(options) {
      asked.push(options);
      return { queued: 8, running: 0, partial: true };
    },
  };
  await runPass({ ...deps, vendor, tickSeconds: 60 });
  expect(asked).toEqual([{ enough: 8 }]);
  expect(metrics.records).toMatchObject([{ JobsQueued: 8, DemandPartial: 1, AtCeiling: 1 }]);
  expect(JSON.stringify(log.lines)).toContain("at least 8 queued");
});

describe("what operators have set for a while", () => {
  const inForce = (overrides: Overrides) => {
    deps = {
      ...deps,
      inForce: async () => ({ ...overrides, policy: underOverrides(deps.policy, overrides, 0) }),
    };
  };
  const until = new Date("2100-01-01T00:00:00Z");

  it("a pause is the same as scaling.enabled: false, but for the reason", async () => {
    const world = () => {
      setUp();
      fleet.demand = { queued: 3, running: 1 };
      agent("ci_idle", "idle");
      agent("ci_held", "busy", { phase: "held" });
      withPolicy({ canRetire: true, departure: "by-retirement", scaleInAfterObservations: 1 });
    };
    world();
    withPolicy({ enabled: false });
    const off = await runPass(deps);
    const calls = [...fleet.calls];
    world();
    inForce({ pause: { until, reason: "look" } });
    const paused = await runPass(deps);
    expect(fleet.calls).toEqual(calls);
    expect(paused.lastDecision).toEqual({
      ...off.lastDecision,
      reason: "an operator paused it until 2100-01-01T00:00:00.000Z: look",
    });
    expect(log.lines.find(({ message }) => message === "decision")?.fields).toMatchObject({
      paused: { until, reason: "look" },
    });
    expect(metrics.records[0]).toMatchObject({ Paused: 1 });
  });

  it("limits are in the log line, and no metric tells of a pause", async () => {
    fleet.demand = { queued: 3, running: 0 };
    inForce({ limits: { max: 1, until } });
    await runPass(deps);
    expect(fleet.launches[0]).toHaveLength(1);
    expect(log.lines.find(({ message }) => message === "decision")?.fields).toMatchObject({
      limits: { max: 1, until },
    });
    expect(metrics.records[0]).not.toHaveProperty("Paused");
  });

  it("agents of a higher floor get an idle timeout where nobody could end them after it", async () => {
    withPolicy({ min: 1, canRetire: false });
    inForce({ limits: { min: 3, until } });
    await runPass(deps);
    expect(fleet.launches[0]?.map(({ role }) => role)).toEqual(["floor", "burst", "burst"]);
  });

  it("a drain launches nobody, and the loop reports in each tick who is left", async () => {
    fleet.demand = { queued: 3, running: 1 };
    agent("ci_a", "busy");
    inForce({ drain: { since: deps.clock.now() } });
    const reports: unknown[] = [];
    deps = { ...deps, drainReport: { write: async (report) => void reports.push(report) } };
    await runPass(deps);
    expect(fleet.launches).toEqual([]);
    expect(reports.length).toBeGreaterThan(0);
    const { data } = drainReport.safeDecode(reports[0] as never);
    expect(data).toMatchObject({ agents: [{ name: "ci_a", id: "task-ci_a", state: "busy", role: "burst" }] });
    expect(log.lines.find(({ message }) => message === "decision")?.fields).toHaveProperty("drain");
  });

  it("without a drain the loop reports nothing of it", async () => {
    deps = { ...deps, drainReport: { write: () => Promise.reject(new Error("not asked for")) } };
    await runPass(deps);
  });

  it("a pause is followed by the very next look", async () => {
    fleet.demand = { queued: 1, running: 0 };
    inForce({});
    await runPass(deps);
    fleet.demand = { queued: 2, running: 0 };
    inForce({ pause: {} });
    await runPass(deps);
    expect(fleet.launches.flat()).toHaveLength(1);
  });

  it("nothing is launched where nobody can read them", async () => {
    fleet.demand = { queued: 1, running: 0 };
    deps = { ...deps, inForce: () => Promise.reject(new Error("no table")) };
    await expect(runPass(deps)).rejects.toThrow("no table");
    expect(fleet.launches).toEqual([]);
  });
});
