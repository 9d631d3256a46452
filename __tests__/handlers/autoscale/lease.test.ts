import { beforeEach, describe, expect, it } from "vitest";
import { runFleet, runPass } from "../../../handlers/autoscale/handler.ts";
import { type AutoscaleHarness, createAutoscaleHarness } from "./harness.ts";

let harness: AutoscaleHarness;

beforeEach(() => {
  harness = createAutoscaleHarness();
  harness.fleet.demand = { queued: 1, running: 0 };
});

const run = () => {
  const { deps, lease, log } = harness;
  return runFleet({ pools: [deps], lease, log });
};

describe("passes of one fleet", () => {
  it("never overlap: one that meets another does nothing", async () => {
    const { fleet } = harness;
    let second: Promise<unknown> | undefined;
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") second ??= run();
    };
    expect(await run()).toHaveLength(1);
    expect(await second).toEqual([]);
    expect(harness.log.lines.filter(({ message }) => message.startsWith("another pass is running"))).toHaveLength(1);
  });

  it("give the lease back, also when they fail", async () => {
    harness.fleet.failures.set("capacity.read", new Error("down"));
    await expect(run()).rejects.toThrow("down");
    harness.fleet.failures.clear();
    expect(await run()).toHaveLength(1);
  });

  it("do not act once another has taken over: it saw a newer picture", async () => {
    const { fleet, lease } = harness;
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") lease.takeOver();
    };
    expect(await run()).toEqual([{ ticks: 1, lastDecision: undefined }]);
    expect(fleet.launches).toEqual([]);
    expect(fleet.calls).not.toContain("capacity.launch");
  });

  it("go on for those that came in vain, until Lambda's own deadline", async () => {
    const { clock, deps, lease } = harness;
    const startedAt = clock.now().getTime();
    lease.calledAt = new Date(startedAt + 30_000);
    expect((await runPass(deps)).ticks).toBe(8);
    const deadline = () => new Date(clock.now().getTime() + 15_000);
    const at = deadline();
    lease.calledAt = new Date(clock.now().getTime() + 30_000);
    expect((await runPass({ ...deps, deadline: () => at })).ticks).toBe(2);
  });
});

describe("the memory of a pass", () => {
  it("is found by the next container, and a document that nobody understands is none", async () => {
    const { deps, fleet, clock, metrics } = harness;
    fleet.failures.set("capacity.launch", new Error("no capacity"));
    await runPass(deps).catch(() => undefined);
    clock.advance(60_000);
    const fresh = createAutoscaleHarness().deps.memory;
    await runPass({ ...deps, memory: fresh }).catch(() => undefined);
    expect(metrics.records.at(-1)?.OldestQueuedSeconds).toBe(60);
    await deps.notebook.write({ recentlyWanted: "many" });
    await runPass({ ...deps, memory: createAutoscaleHarness().deps.memory }).catch(() => undefined);
    expect(metrics.records.at(-1)?.OldestQueuedSeconds).toBe(0);
  });

  it("keeps nothing that another container has found ended meanwhile", async () => {
    const { deps, fleet, clock, metrics } = harness;
    fleet.failures.set("capacity.launch", new Error("no capacity"));
    await runPass(deps).catch(() => undefined);
    fleet.demand = { queued: 0, running: 0 };
    await runPass({ ...deps, memory: createAutoscaleHarness().deps.memory });
    clock.advance(60_000);
    fleet.demand = { queued: 1, running: 0 };
    await runPass(deps).catch(() => undefined);
    expect(metrics.records.at(-1)?.OldestQueuedSeconds).toBe(0);
  });
});
