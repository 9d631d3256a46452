import { describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createAutoscaleHarness } from "./harness.ts";

describe("the figures of a tick", () => {
  it("tell of no negative wait where the vendor's clock is ahead of ours", async () => {
    const { fleet, clock, metrics, deps } = createAutoscaleHarness();
    fleet.demand = { queued: 1, running: 0, oldestQueuedAt: new Date(clock.now().getTime() + 5_000) };
    await runPass(deps);
    expect(metrics.records[0]).toMatchObject({ OldestQueuedSeconds: 0 });
  });

  it("do not tell that nobody is there for jobs where agents run that the vendor does not show", async () => {
    const { fleet, metrics, deps, addAgent } = createAutoscaleHarness();
    fleet.vendorAgents = undefined;
    fleet.demand = { queued: 1, running: 0 };
    addAgent("ci_a");
    await runPass(deps);
    expect(metrics.records[0]).toMatchObject({ AgentsUnclear: 1, QueuedWithoutAgents: 0 });
  });

  it("have the wait of each job that an agent took since the last look, also in another container, and no job twice", async () => {
    const { fleet, clock, metrics, deps } = createAutoscaleHarness();
    const started = (secondsAgo: number, waitedSeconds: number) => ({
      at: new Date(clock.now().getTime() - secondsAgo * 1000),
      waitedSeconds,
    });
    const old = started(5, 99);
    fleet.demand = { queued: 0, running: 1, started: [old] };
    await runPass(deps);
    await clock.sleep(60_000);
    fleet.demand = { queued: 0, running: 3, started: [old, started(20, 40), started(10, 8)] };
    await runPass({ ...deps, memory: createMemory() });
    await runPass({ ...deps, memory: createMemory() });
    expect(metrics.records.map(({ QueueWaitSeconds: waits }) => waits)).toEqual([[], [40, 8], []]);
  });

  it("have the limit in force, the agents that run and the boot of each new agent", async () => {
    const { clock, metrics, deps, addAgent } = createAutoscaleHarness({ max: 7 });
    addAgent("ci_a", "idle", { launchedAt: new Date(clock.now().getTime() - 42_000) });
    addAgent("ci_b", undefined, { launchedAt: clock.now() });
    await runPass(deps);
    expect(metrics.records[0]).toMatchObject({ AgentsMax: 7, AgentsRunning: 2, BootSeconds: [42] });
  });
});
