import { describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
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
});
