import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type AutoscaleDeps, runPass } from "../../../handlers/autoscale/handler.ts";
import { SecretUnavailableError, VendorApiError } from "../../../handlers/core/errors.ts";
import type { VendorAgent } from "../../../handlers/core/ports.ts";
import { demandOfRuns } from "../../../handlers/vendors/hcp-terraform/demand.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import type { FleetCall, FleetFake } from "../../fakes/fleet.ts";
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

/** The next pass, whose error is wanted. */
async function failingPass(): Promise<Error> {
  return runPass(deps).then(
    () => {
      throw new Error("the pass did not fail");
    },
    (error: Error) => error,
  );
}

describe("the ticks of a pass", () => {
  it("are one when the fleet is quiet", async () => {
    agent("ci_a", "idle");
    withPolicy({ min: 1 });
    expect((await runPass(deps)).ticks).toBe(1);
    expect(clock.sleeps).toEqual([]);
  });

  it.each<[why: string, arrange: () => void]>([
    [
      "jobs are queued that nobody may serve",
      () => Object.assign(fleet, { demand: { queued: 1, running: 0 }, failedLaunchesLastHour: 99 }),
    ],
    ["jobs run", () => Object.assign(fleet, { demand: { queued: 0, running: 1 } })],
    ["the floor is being filled", () => withPolicy({ min: 1 })],
    ["an agent is busy", () => agent("ci_a", "busy")],
    ["an agent starts", () => agent("ci_a", undefined, { launchedAt: clock.now() })],
    ["an agent leaves", () => agent("ci_a", "idle", { phase: "stopping" })],
  ])("follow each other while %s", async (_, arrange) => {
    arrange();
    expect((await runPass(deps)).ticks).toBe(5);
    expect(clock.sleeps).toEqual([10_000, 10_000, 10_000, 10_000]);
  });

  it("end as soon as the fleet is quiet", async () => {
    fleet.demand = { queued: 0, running: 1 };
    fleet.onCall = () => {
      if (clock.sleeps.length === 2) fleet.demand = { queued: 0, running: 0 };
    };
    expect((await runPass(deps)).ticks).toBe(3);
  });

  it("keep their rhythm however long the calls take, and none begins after 50 seconds", async () => {
    fleet.demand = { queued: 0, running: 1 };
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") clock.advance(4_000);
    };
    expect((await runPass(deps)).ticks).toBe(5);
    expect(clock.sleeps).toEqual([6_000, 6_000, 6_000, 6_000]);
    setUp();
    fleet.demand = { queued: 0, running: 1 };
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") clock.advance(17_000);
    };
    expect((await runPass(deps)).ticks).toBe(3);
    expect(clock.sleeps).toEqual([0, 0]);
  });

  it("are one per minute where the tick is a minute", async () => {
    fleet.demand = { queued: 0, running: 1 };
    deps = { ...deps, tickSeconds: 60 };
    expect((await runPass(deps)).ticks).toBe(1);
  });
});

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
      OldestQueuedSeconds: 91,
      QueuedWithoutAgents: 0,
      AgentsStarting: 1,
      AgentsIdle: 1,
      AgentsBusy: 1,
      AgentsUnclear: 0,
      AgentsRetiring: 1,
      AgentsOffline: 0,
      AgentsWanted: 10,
      Launched: 6,
      LaunchFailures: 0,
      Retired: 0,
      VendorApiErrors: 0,
      CircuitOpen: 0,
      AtCeiling: 1,
      TickSeconds: 1,
    });
    expect(metrics.records).toHaveLength(5);
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

describe("ghosts", () => {
  beforeEach(() => {
    for (const name of ["ci_x", "ci_y"]) fleet.vendorAgents?.push({ id: `ghost-${name}`, name, state: "gone" });
    fleet.vendorAgents?.push({ id: "foreign", name: "someone", state: "gone" });
  });

  it("are removed, some per tick, and foreign records are not", async () => {
    await runPass(deps);
    expect(fleet.removed).toEqual(["ghost-ci_x", "ghost-ci_y"]);
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

describe("launches that fail", () => {
  beforeEach(() => {
    fleet.demand = { queued: 3, running: 0 };
  });

  it.each([
    "capacity",
    "quota",
    "throttling",
  ] as const)("for %s are counted, and the next tick tries again", async (kind) => {
    fleet.launchFailures = [{ kind, message: "no", count: 3 }];
    expect((await runPass(deps)).ticks).toBe(5);
    expect(fleet.launches).toHaveLength(5);
    expect(metrics.sum("LaunchFailures")).toBe(15);
    expect(log.lines.filter(({ message }) => message === "launch failed")).toHaveLength(5);
  });

  it("for a wrong setting fail the pass, after the figures are recorded", async () => {
    fleet.launchFailures = [{ kind: "configuration", message: "no such task definition", count: 3 }];
    expect((await failingPass()).message).toContain("no such task definition");
    expect(metrics.records).toMatchObject([{ LaunchFailures: 3, Launched: 0 }]);
  });

  it("without a report fail the pass, after the figures are recorded", async () => {
    fleet.failures.set("capacity.launch", new Error("broken"));
    expect((await failingPass()).message).toContain("broken");
    expect(metrics.records).toMatchObject([{ LaunchFailures: 3, Launched: 0 }]);
  });
});

describe("agents that never registered", () => {
  it("are stopped after their grace, when the vendor asked again still shows no such agent", async () => {
    agent("ci_a");
    agent("ci_b", "idle");
    fleet.onCall = (call) => {
      if (call === "capacity.stopUnregistered") fleet.members = [];
    };
    await runPass({ ...deps, tickSeconds: 60 });
    expect(fleet.stopped).toMatchObject([{ id: "task-ci_a" }]);
    expect(fleet.calls.slice(0, 5)).toEqual([
      "capacity.read",
      "vendor.listAgents",
      "vendor.readDemand",
      "capacity.read",
      "vendor.listAgents",
    ]);
    expect(fleet.calls[5]).toBe("capacity.stopUnregistered");
    expect(clock.sleeps).toEqual([10_000]);
    expect(metrics.records[0]).toMatchObject({ LaunchFailures: 1, AgentsOffline: 1 });
  });

  it("defect 1: live on, and may still work, where they had registered and the vendor lists them no more", async () => {
    agent("ci_a", undefined, { registered: true });
    await runPass(deps);
    expect(fleet.stopped).toEqual([]);
    clock.advance((deps.policy.registrationGraceSeconds + 1) * 1000);
    await runPass(deps);
    expect(new Set(fleet.stopped.map(({ id }) => id))).toEqual(new Set(["task-ci_a"]));
  });

  it("have not registered before: the capacity is told of each that has", async () => {
    agent("ci_a", "busy", { registered: false });
    agent("ci_b", undefined, { registered: false, launchedAt: clock.now() });
    fleet.failures.set("capacity.markRegistered", new Error("throttled"));
    await expect(runPass(deps)).rejects.toThrow("throttled");
    fleet.failures.clear();
    await runPass(deps);
    expect(new Set(fleet.marked)).toEqual(new Set(["task-ci_a"]));
  });

  it("defect 1: live on when they register in the last moment, for they may have a job already", async () => {
    agent("ci_a");
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") fleet.vendorAgents = [{ id: "agent-a", name: "ci_a", state: "busy" }];
    };
    await runPass(deps);
    expect(fleet.stopped).toEqual([]);
    expect(metrics.sum("LaunchFailures")).toBe(0);
  });

  it("are left alone when it turns out that they were leaving: they did register, and count as no failure", async () => {
    agent("ci_a");
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand")
        fleet.members = fleet.members.map((member) => ({ ...member, phase: "stopping" }));
    };
    await runPass(deps);
    expect(fleet.stopped).toEqual([]);
    expect(metrics.sum("LaunchFailures")).toBe(0);
  });

  it("defect 1: live on when the vendor does not answer the second question, and launches happen all the same", async () => {
    agent("ci_a");
    fleet.demand = { queued: 1, running: 0 };
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") fleet.failures.set("vendor.listAgents", new VendorApiError("timeout", "slow"));
    };
    await failingPass();
    expect(fleet.stopped).toEqual([]);
    expect(fleet.launches).toHaveLength(1);
    expect(metrics.records).toMatchObject([{ Launched: 1, VendorApiErrors: 1 }]);
  });

  it("defect 1: live on where the vendor shows no agents at all", async () => {
    agent("ci_a");
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") fleet.vendorAgents = undefined;
    };
    await runPass(deps);
    expect(fleet.stopped).toEqual([]);
  });

  it("that cannot be stopped fail the pass and keep no other from being stopped", async () => {
    agent("ci_a");
    agent("ci_b");
    let asked = 0;
    fleet.onCall = (call) => {
      if (call !== "capacity.stopUnregistered") return;
      asked += 1;
      if (asked === 1) fleet.failures.set(call, new Error("denied"));
      else fleet.failures.delete(call);
    };
    expect((await failingPass()).message).toContain("ci_a");
    expect(fleet.stopped).toMatchObject([{ id: "task-ci_b" }]);
    expect(metrics.records).toMatchObject([{ LaunchFailures: 1 }]);
  });
});

describe("a pass that cannot see everything", () => {
  beforeEach(() => {
    agent("ci_lost");
    agent("ci_idle", "idle");
    fleet.demand = { queued: 5, running: 0 };
    fleet.vendorAgents?.push({ id: "ghost", name: "ci_ghost", state: "gone" });
  });

  it.each<FleetCall>([
    "vendor.listAgents",
    "vendor.readDemand",
    "capacity.read",
  ])("defect 1: does nothing and fails when %s does", async (call) => {
    const failure = new VendorApiError("unavailable", "down");
    fleet.failures.set(call, failure);
    expect(await failingPass()).toBe(failure);
    expect([fleet.launches, fleet.stopped, fleet.removed, fleet.retired]).toEqual([[], [], [], []]);
    expect(metrics.records).toEqual([{ VendorApiErrors: 1 }]);
  });

  it("does not blame the vendor for what is wrong elsewhere", async () => {
    fleet.failures.set("vendor.listAgents", new SecretUnavailableError("no value yet"));
    expect(await failingPass()).toBeInstanceOf(SecretUnavailableError);
    expect(metrics.records).toEqual([]);
  });

  it("defect 2: leaves the next pass right, whatever failed and whenever", async () => {
    const calls: readonly FleetCall[] = [
      "capacity.read",
      "capacity.launch",
      "capacity.stopUnregistered",
      "vendor.listAgents",
      "vendor.readDemand",
      "vendor.removeAgent",
    ];
    async function lastDecision(failing: FleetCall | undefined, queued: number) {
      setUp();
      agent("ci_lost");
      agent("ci_idle", "idle");
      agent("ci_busy", "busy");
      fleet.demand = { queued, running: 1 };
      if (failing) {
        fleet.failures.set(failing, new Error("down"));
        await runPass(deps).catch(() => undefined);
        fleet.failures.clear();
      }
      return (await runPass(deps)).lastDecision;
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), fc.nat(15), async (failing, queued) => {
        expect(await lastDecision(failing, queued)).toEqual(await lastDecision(undefined, queued));
      }),
      { numRuns: 50 },
    );
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
    fleet.demand = demandOfRuns(runs);
    if (fleet.demand.running > 0) agent("ci_a", "busy");
    await runPass(deps);
    expect(fleet.launches[0]?.length ?? 0).toBe(launches);
  });
});
