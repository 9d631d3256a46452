import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import type { FleetFake } from "../../fakes/fleet.ts";
import type { MetricsFake } from "../../fakes/log.ts";
import { type AutoscaleHarness, createAutoscaleHarness, failureOf } from "./harness.ts";

let clock: FakeClock;
let fleet: FleetFake;
let metrics: MetricsFake;
let deps: AutoscaleDeps;
let agent: AutoscaleHarness["addAgent"];

beforeEach(setUp);

function setUp(): void {
  ({ clock, fleet, metrics, deps, addAgent: agent } = createAutoscaleHarness());
}

const failingPass = () => failureOf(runPass(deps));

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
