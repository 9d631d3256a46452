import { describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { type AutoscaleHarness, createAutoscaleHarness } from "./harness.ts";

/** How often a pass ticks over a fleet without jobs. */
async function ticksOf(policy: Partial<Policy>, arrange: (harness: AutoscaleHarness) => void): Promise<number> {
  const harness = createAutoscaleHarness(policy);
  arrange(harness);
  return (await runPass({ ...harness.deps, retirements: harness.fleet.retirements })).ticks;
}

describe("a fleet without jobs", () => {
  it("is quiet while more agents idle than are wanted, where they leave by themselves", async () => {
    const idle = ({ addAgent }: AutoscaleHarness) => addAgent("ci_a", "idle");
    expect(await ticksOf({ departure: "by-itself" }, idle)).toBe(1);
    expect(await ticksOf({ departure: "by-retirement", scaleInAfterObservations: 9 }, idle)).toBe(5);
  });

  it("is quiet where nobody shows its agents, as soon as they run", async () => {
    const arrange = ({ fleet, addAgent }: AutoscaleHarness) => {
      fleet.vendorAgents = undefined;
      addAgent("ci_a");
    };
    expect(await ticksOf({ min: 1 }, arrange)).toBe(1);
  });

  it("is watched while agents that nothing else would make leave are asked to", async () => {
    const arrange = ({ addAgent }: AutoscaleHarness) => {
      for (const name of ["ci_a", "ci_b"]) addAgent(name, "idle", { role: "floor" });
    };
    expect(await ticksOf({ min: 1, canRetire: true }, arrange)).toBe(5);
    expect(await ticksOf({ min: 2, canRetire: true }, arrange)).toBe(1);
  });
});

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
});
