import { beforeEach, describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { type AutoscaleHarness, createAutoscaleHarness, runFleetOf } from "./harness.ts";

let harness: AutoscaleHarness;

beforeEach(() => {
  harness = createAutoscaleHarness();
  harness.fleet.demand = { queued: 1, running: 0 };
});

const run = () => runFleetOf(harness);

describe("passes of one fleet", () => {
  it("never overlap: one that meets another does nothing", async () => {
    const { fleet } = harness;
    let second: Promise<unknown> | undefined;
    fleet.onCall = (call) => {
      if (call === "vendor.readDemand") second ??= run();
    };
    expect(await run()).toHaveLength(1);
    expect(await second).toEqual([]);
    expect(
      harness.log.lines.filter(({ message }) => message.startsWith("no look: another pass is running")),
    ).toHaveLength(1);
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
    expect(await run()).toEqual([{ lastDecision: undefined }]);
    expect(fleet.launches).toEqual([]);
    expect(fleet.calls).not.toContain("capacity.launch");
  });
});

describe("the memory of a pass", () => {
  it("counts looks that come sooner than a tick as one observation, of which it keeps the most", async () => {
    const { deps, fleet, clock } = harness;
    const look = async (queued: number, seconds: number) => {
      clock.advance(seconds * 1000);
      fleet.demand = { queued, running: 0 };
      await runPass(deps);
      return deps.memory.recentlyWanted;
    };
    expect(await look(2, 0)).toEqual([2]);
    expect(await look(1, 3)).toEqual([2]);
    expect(await look(4, 3)).toEqual([4]);
    expect(await look(1, 4)).toEqual([4, 1]);
    expect(await look(1, 9)).toEqual([4, 1, 1]);
  });

  it("goes on counting after a container whose clock was far ahead", async () => {
    const { deps, clock } = harness;
    await runPass(deps);
    const document = Object(await deps.notebook.read());
    await deps.notebook.write({ ...document, wantedAt: clock.now().getTime() + 3600_000 });
    clock.advance(10_000);
    await runPass(deps);
    expect(deps.memory.recentlyWanted).toHaveLength(2);
    expect(deps.memory.wantedAt).toEqual(clock.now());
  });

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
