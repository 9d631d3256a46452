import { beforeEach, describe, expect, it } from "vitest";
import { callOf } from "../../../handlers/autoscale/call.ts";
import { runFleet } from "../../../handlers/autoscale/fleet.ts";
import { type AutoscaleHarness, createAutoscaleHarness, runFleetOf } from "./harness.ts";

let harness: AutoscaleHarness;
let startedAt: number;

beforeEach(() => {
  harness = createAutoscaleHarness();
  harness.fleet.demand = { queued: 1, running: 0 };
  startedAt = harness.clock.now().getTime();
});

const looks = () => harness.metrics.records.length;
const in_ = (seconds: number) => new Date(startedAt + seconds * 1000);

describe("a pass", () => {
  it("looks once, asks for the next look and ends", async () => {
    expect(await runFleetOf(harness)).toMatchObject([{ lastDecision: { action: "scale-out" }, nextLookSeconds: 10 }]);
    expect(looks()).toBe(1);
    expect(harness.clock.sleeps).toEqual([]);
    expect(harness.nextLooks.asked).toEqual([in_(10)]);
    expect(harness.lease.nextLookAt).toEqual(in_(10));
  });

  it("asks for none where the schedule is soon enough", async () => {
    harness.fleet.demand = { queued: 0, running: 0 };
    harness.lease.wokenAt = in_(-3600);
    await runFleetOf(harness);
    expect(harness.nextLooks.asked).toEqual([]);
    expect(harness.lease.nextLookAt).toBeUndefined();
  });

  it("does not trust a webhook that has not called for a week", async () => {
    harness.fleet.demand = { queued: 0, running: 0 };
    harness.lease.wokenAt = in_(-8 * 24 * 3600);
    await runFleetOf(harness);
    expect(harness.nextLooks.asked).toEqual([in_(10)]);
  });

  it("keeps the rhythm however long its calls take", async () => {
    const { fleet, clock } = harness;
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") clock.advance(4_000);
    };
    await runFleetOf(harness);
    expect(harness.nextLooks.asked).toEqual([in_(10)]);
  });

  it("looks again at once while one look cannot launch all", async () => {
    harness = createAutoscaleHarness({ maxAddedPerTick: 2, max: 10 });
    const { fleet, addAgent } = harness;
    fleet.demand = { queued: 5, running: 0 };
    fleet.onCall = (call) => {
      if (call !== "capacity.read") return;
      const asked = fleet.launches.flat().slice(fleet.members.length);
      for (const { agentName } of asked) addAgent(agentName, undefined, { launchedAt: harness.clock.now() });
    };
    await runFleetOf(harness);
    expect(fleet.launches.map(({ length }) => length)).toEqual([2, 2, 1]);
    expect(harness.nextLooks.asked).toHaveLength(1);
  });

  it("looks again for a webhook that called meanwhile, but not beyond Lambda's deadline", async () => {
    const { fleet, lease, nextLooks, clock, log, deps } = harness;
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand" && looks() < 2) lease.callInVain();
    };
    await runFleetOf(harness);
    expect(looks()).toBe(3);
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") lease.callInVain();
    };
    const deadline = () => clock.now();
    await runFleet(
      { readPools: () => Promise.resolve([deps]), lease, nextLooks, clock, log, deadline },
      { by: "schedule" },
    );
    expect(looks()).toBe(4);
    expect(await lease.acquire({ by: "schedule" })).toBeDefined();
  });

  it("has another pass look at once for a webhook that called too late for this one", async () => {
    const { fleet, lease, nextLooks, clock, log, deps } = harness;
    fleet.demand = { queued: 0, running: 0 };
    lease.wokenAt = in_(-3600);
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") lease.callInVain();
    };
    const deadline = () => clock.now();
    const readPools = () => Promise.resolve([deps]);
    await runFleet({ readPools, lease, nextLooks, clock, log, deadline }, { by: "schedule" });
    expect(looks()).toBe(1);
    expect(nextLooks.asked).toEqual([clock.now()]);
    expect(await lease.acquire({ by: "message", dueAt: clock.now() })).toBeDefined();
  });

  it("waits in itself for less than a minute where SQS takes no call", async () => {
    harness.nextLooks.isDown = true;
    await runFleetOf(harness);
    expect(looks()).toBe(5);
    expect(harness.clock.sleeps).toEqual([10_000, 10_000, 10_000, 10_000]);
    expect(harness.lease.nextLookAt).toBeUndefined();
  });

  it("does not wait in itself beyond Lambda's deadline", async () => {
    const { lease, nextLooks, clock, log, deps } = harness;
    nextLooks.isDown = true;
    await runFleet(
      { readPools: () => Promise.resolve([deps]), lease, nextLooks, clock, log, deadline: () => in_(15) },
      { by: "webhook" },
    );
    expect(looks()).toBe(2);
  });

  it("asks for the next look at the other pools where one fails, and then fails", async () => {
    const broken = createAutoscaleHarness();
    broken.fleet.failures.set("vendor.readDemand", new Error("down"));
    await expect(runFleetOf(harness, { pools: [broken.deps, harness.deps] })).rejects.toThrow("down");
    expect(harness.nextLooks.asked).toEqual([in_(10)]);
    expect(harness.lease.nextLookAt).toEqual(in_(10));
  });

  it("that fails asks for none: the schedule calls again", async () => {
    harness.fleet.failures.set("capacity.read", new Error("down"));
    await expect(runFleetOf(harness)).rejects.toThrow("down");
    expect(harness.nextLooks.asked).toEqual([]);
  });

  it("takes the soonest look that one of its pools asks for", async () => {
    const slow = createAutoscaleHarness();
    await runFleetOf(harness, { pools: [{ ...slow.deps, tickSeconds: 40 }, harness.deps] });
    expect(harness.nextLooks.asked).toEqual([in_(10)]);
  });
});

describe("a call for a look", () => {
  const message = (body: string) => ({ Records: [{ messageId: "1", body, eventSource: "aws:sqs" }] });

  it("comes from the schedule, a webhook or a message", () => {
    expect(callOf({ source: "schedule" })).toEqual({ by: "schedule" });
    expect(callOf({ source: "wake-up" })).toEqual({ by: "webhook" });
    expect(callOf(message('{"dueAt":5}'))).toEqual({ by: "message", dueAt: new Date(5) });
  });

  it("is the schedule's where nobody knows it, and a message that nobody understands is for no look", () => {
    for (const event of [undefined, 7, {}, { Records: [] }]) expect(callOf(event)).toEqual({ by: "schedule" });
    for (const body of ["", "{", "{}", '{"dueAt":"soon"}']) {
      expect(callOf(message(body))).toEqual({ by: "message", dueAt: new Date(0) });
    }
  });
});
