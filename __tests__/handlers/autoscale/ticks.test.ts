import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import type { FakeClock } from "../../fakes/clock.ts";
import type { FleetFake } from "../../fakes/fleet.ts";
import { launches } from "../../fixtures/launches.ts";
import { type AutoscaleHarness, createAutoscaleHarness } from "./harness.ts";

let clock: FakeClock;
let fleet: FleetFake;
let deps: AutoscaleDeps;
let agent: AutoscaleHarness["addAgent"];

beforeEach(setUp);

function setUp(): void {
  ({ clock, fleet, deps, addAgent: agent } = createAutoscaleHarness());
}

function withPolicy(policy: Partial<AutoscaleDeps["policy"]>): void {
  deps = { ...deps, policy: { ...deps.policy, ...policy } };
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
      () => Object.assign(fleet, { demand: { queued: 1, running: 0 }, launchesLastHour: launches(99) }),
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
