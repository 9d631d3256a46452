import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import type { VendorAgent } from "../../../handlers/lib/core/ports.ts";
import { observationsToKeep } from "../../../handlers/lib/core/scaling.ts";
import { createNotebookFake } from "../../fakes/fleet-state.ts";
import { launches } from "../../fixtures/launches.ts";
import { type AutoscaleHarness, createAutoscaleHarness, runFleetOf } from "./harness.ts";

let harness: AutoscaleHarness;
let deps: AutoscaleDeps;

beforeEach(() => setUp());

function setUp(policy: AutoscaleDeps["policy"] | object = {}): void {
  harness = createAutoscaleHarness({ departure: "by-retirement", ...policy });
  deps = { ...harness.deps, retirements: harness.fleet.retirements };
}

const retired = () => harness.fleet.retired.map(({ agent, reason }) => `${agent.name} ${reason}`);

/** Has the workflow begin with what it is given, as a pass sees it from then on. */
function retirementsGetUnderWay(): void {
  const { fleet } = harness;
  fleet.onCall = () => {
    for (const { agent } of fleet.retired) fleet.retiring.add(agent.name);
  };
}

describe("retirements", () => {
  it("are started for each agent chosen, and one that fails keeps no other from it", async () => {
    const { fleet, metrics, addAgent } = harness;
    for (const name of ["ci_a", "ci_b", "ci_c"]) addAgent(name, "idle");
    let asked = 0;
    fleet.onCall = (call) => {
      if (call !== "retirements.start") return;
      asked += 1;
      fleet.failures.delete("retirements.start");
      if (asked === 2) fleet.failures.set("retirements.start", new Error("AWS is down"));
    };
    await expect(runPass(deps)).rejects.toThrow("ci_b");
    expect(retired()).toEqual(["ci_a scale-in", "ci_c scale-in"]);
    expect(metrics.records).toMatchObject([{ RetirementsStarted: 2 }]);
  });

  it("are waited for, look by look, where several observations are asked for", async () => {
    setUp({ scaleInAfterObservations: 3 });
    harness.addAgent("ci_a", "idle");
    retirementsGetUnderWay();
    harness.nextLooks.isDown = true;
    await runFleetOf(harness, { pools: [deps] });
    expect(retired()).toEqual(["ci_a scale-in"]);
    expect(harness.metrics.records.map(({ RetirementsStarted }) => RetirementsStarted)).toEqual([0, 0, 1, 0, 0]);
  });

  it("are started too for agents that nothing else would make leave", async () => {
    setUp({ canRetire: true, min: 1 });
    harness.addAgent("ci_a", "offline");
    await runPass(deps);
    expect(new Set(retired())).toEqual(new Set(["ci_a offline"]));
  });

  it("take an agent out of the supply, and are not started twice", async () => {
    setUp({ min: 1 });
    harness.addAgent("ci_a", "idle", { launchedAt: new Date(0) });
    harness.addAgent("ci_b", "idle");
    retirementsGetUnderWay();
    harness.nextLooks.isDown = true;
    const [{ lastDecision } = {}] = await runFleetOf(harness, { pools: [deps] });
    expect(retired()).toEqual(["ci_a scale-in"]);
    expect(lastDecision).toMatchObject({ action: "hold", supply: 1 });
    expect(harness.metrics.records).toHaveLength(5);
    expect(harness.metrics.records.at(-1)).toMatchObject({ AgentsRetiring: 1, AgentsIdle: 1 });
  });

  it("are asked for after the agents: one found drained has its retirement found with it", async () => {
    harness.addAgent("ci_a", "idle");
    harness.fleet.onCall = (call) => {
      if (call !== "vendor.listAgents") return;
      harness.fleet.vendorAgents = [{ id: "agent-ci_a", name: "ci_a", state: "draining" }];
      harness.fleet.retiring.add("ci_a");
    };
    await runPass(deps);
    expect(harness.fleet.calls.slice(0, 4)).toEqual([
      "capacity.read",
      "vendor.listAgents",
      "retirements.running",
      "vendor.readDemand",
    ]);
    expect(retired()).toEqual([]);
  });

  it("Spacelift defect 4: are taken up again where one broke off and left its agent drained", async () => {
    setUp({ canRetire: true });
    harness.addAgent("ci_a", "draining");
    harness.addAgent("ci_b", "busy");
    retirementsGetUnderWay();
    await runPass(deps);
    expect(retired()).toEqual(["ci_a drained"]);
    expect(harness.metrics.sum("RetirementsStarted")).toBe(1);
  });

  it("pass over an agent whose last retirement has only just ended: another idle one goes in the same tick", async () => {
    for (const name of ["ci_a", "ci_b", "ci_c"]) harness.addAgent(name, "idle");
    harness.fleet.justRetired.add("ci_a");
    await runPass({ ...deps, policy: { ...deps.policy, min: 2 }, tickSeconds: 60 });
    expect(retired()).toEqual(["ci_b scale-in"]);
    expect(harness.metrics.records).toMatchObject([{ RetirementsStarted: 1 }]);
  });

  it("are started for every instance that AWS's hook holds, by the hook of its group: a lost notice costs a tick", async () => {
    setUp({ canRetire: true });
    harness.addAgent("i-held", "busy", { phase: "held" });
    harness.addAgent("i-gone", undefined, { phase: "held" });
    retirementsGetUnderWay();
    await runPass(deps);
    const hookOf = (id: string) => ({ name: "hook", group: `group of task-${id}` });
    expect(harness.fleet.retired).toMatchObject([
      { agent: { name: "i-held" }, reason: "terminating", hook: hookOf("i-held") },
      { agent: { name: "i-gone" }, reason: "terminating", hook: hookOf("i-gone") },
    ]);
  });

  it("cannot be asked for: nothing is decided", async () => {
    harness.addAgent("ci_a", "idle");
    harness.fleet.failures.set("retirements.running", new Error("denied"));
    await expect(runPass(deps)).rejects.toThrow("denied");
    expect([harness.fleet.launches, retired(), harness.fleet.discarded]).toEqual([[], [], []]);
  });
});

describe("workers of others", () => {
  it("Spacelift defect 2: in whatever state, change nothing and are not touched", async () => {
    const act = async (foreign: readonly VendorAgent["state"][]) => {
      setUp({ min: 1 });
      const { fleet, addAgent } = harness;
      addAgent("i-dead", undefined, { phase: "failed" });
      addAgent("i-idle", "idle");
      addAgent("i-idle-too", "idle");
      addAgent("i-busy", "busy");
      for (const state of foreign)
        fleet.vendorAgents?.push({ id: `worker-${state}`, name: `i-of-others-${state}`, state });
      const { lastDecision } = await runPass({ ...deps, tickSeconds: 60 });
      return { lastDecision, retired: retired(), discarded: fleet.discarded, removed: fleet.removed };
    };
    const alone = await act([]);
    expect(alone).toMatchObject({ discarded: [{ id: "task-i-dead" }] });
    expect(alone.retired).not.toEqual([]);
    expect(await act(["idle", "busy", "draining", "offline", "gone"])).toEqual(alone);
  });
});

describe("scale-in after several observations", () => {
  beforeEach(() => setUp({ scaleInAfterObservations: 3 }));

  it("waits for them, a tick apart, over cold starts, and starts anew where nothing was written down", async () => {
    harness.addAgent("ci_a", "idle");
    harness.addAgent("ci_b", "busy");
    const decisionAfter = async (seconds: number) => {
      harness.clock.advance(seconds * 1000);
      return (await runPass(deps)).lastDecision?.action;
    };
    expect(await decisionAfter(10)).toBe("hold");
    expect(await decisionAfter(1)).toBe("hold");
    expect(await decisionAfter(9)).toBe("hold");
    expect(await decisionAfter(10)).toBe("scale-in");
    deps = { ...deps, memory: createMemory() };
    expect(await decisionAfter(60)).toBe("scale-in");
    deps = { ...deps, notebook: createNotebookFake() };
    for (const action of ["hold", "hold", "scale-in"]) expect(await decisionAfter(10)).toBe(action);
  });

  it("looks at the latest ones: what was wanted before them is forgotten", async () => {
    harness.nextLooks.isDown = true;
    harness.addAgent("ci_a", "busy");
    await runFleetOf(harness, { pools: [deps] });
    harness.fleet.vendorAgents = [{ id: "agent-ci_a", name: "ci_a", state: "idle" }];
    await runFleetOf(harness, { pools: [deps] });
    expect(retired()).toContain("ci_a scale-in");
  });

  it("remembers no more than it needs", async () => {
    harness.nextLooks.isDown = true;
    harness.addAgent("ci_b", "busy");
    for (const _ of [1, 2]) await runFleetOf(harness, { pools: [deps] });
    expect(deps.memory.recentlyWanted).toEqual(Array(observationsToKeep(deps.policy)).fill(1));
  });
});

describe("agents whose machine is dead", () => {
  it("Spacelift defect 9: may be replaced, but not while the circuit is open", async () => {
    for (const [failed, mayReplace] of [
      [19, true],
      [20, false],
    ] as const) {
      setUp();
      harness.addAgent("i-dead", undefined, { phase: "failed" });
      harness.fleet.launchesLastHour = launches(failed);
      await runPass({ ...deps, tickSeconds: 60 });
      expect(harness.fleet.discarded).toEqual([{ id: "task-i-dead", mayReplace }]);
    }
  });
});

describe("roles", () => {
  beforeEach(() => setUp({ departure: "by-itself", min: 1 }));

  it("are assigned to members that a group launched, and one that fails keeps no other from it", async () => {
    const { fleet, addAgent } = harness;
    fleet.vendorAgents = undefined;
    for (const name of ["i-1", "i-2", "i-3"]) addAgent(name, undefined, { role: undefined });
    let asked = 0;
    fleet.onCall = (call) => {
      if (call !== "capacity.assignRole") return;
      asked += 1;
      fleet.failures.delete(call);
      if (asked === 1) fleet.failures.set(call, new Error("denied"));
    };
    await expect(runPass(deps)).rejects.toThrow("i-1");
    expect(fleet.assigned).toEqual([
      { id: "task-i-2", role: "burst" },
      { id: "task-i-3", role: "burst" },
    ]);
  });

  it("are not asked for where members come with one", async () => {
    harness.addAgent("ci_a", "idle", { role: "floor" });
    await runPass(deps);
    expect(harness.fleet.calls).not.toContain("capacity.assignRole");
  });
});

describe("a queue that closes without agents", () => {
  it("is kept open by what the vendor was just seen to have, and a failure fails the pass", async () => {
    harness.addAgent("ci_a", "idle");
    await runPass({ ...deps, policy: { ...deps.policy, min: 1 } });
    expect(harness.fleet.queuesKeptOpen).toEqual([harness.fleet.vendorAgents]);
    harness.fleet.failures.set("vendor.keepQueueOpen", new Error("no rights"));
    await expect(runPass(deps)).rejects.toThrow("no rights");
  });

  it("is no business of vendors that show no agents", async () => {
    harness.fleet.vendorAgents = undefined;
    await runPass(deps);
    expect(harness.fleet.queuesKeptOpen).toEqual([]);
  });
});
