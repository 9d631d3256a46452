import { beforeEach, describe, expect, it } from "vitest";
import { allowDestroy, allowDestroyOfFallback, terraformRequestOf } from "../../../handlers/autoscale/destroy.ts";
import { type AutoscaleHarness, createAutoscaleHarness, runFleetOf } from "./harness.ts";

let harness: AutoscaleHarness;

beforeEach(() => {
  harness = createAutoscaleHarness();
});

const destroy = () => {
  const { fleet, lease, clock, log } = harness;
  return allowDestroy({ fleet: "ci", capacities: [fleet.capacity], lease, clock, log });
};

describe("a destroy", () => {
  it.each(["running", "pending", "held", "stopping"] as const)("is refused while a machine is %s", async (phase) => {
    harness.addAgent("ci_a", "idle", { phase });
    await expect(destroy()).rejects.toThrow(/fleet ci still has agents.*: task-ci_a\. Nothing was destroyed/);
    expect(harness.fleet.calls).toEqual(["capacity.remaining"]);
    expect(await harness.lease.acquire({ by: "schedule" })).toBeDefined();
  });

  it("names ten of many", async () => {
    for (let index = 0; index < 12; index += 1) harness.addAgent(`ci_${index}`);
    await expect(destroy()).rejects.toThrow(/task-ci_9, and 2 more/);
  });

  it("is refused if AWS does not say what is left", async () => {
    harness.fleet.failures.set("capacity.remaining", new Error("throttled"));
    await expect(destroy()).rejects.toThrow("throttled");
  });

  it("goes on if none is left, and then the loop launches none", async () => {
    const { fleet } = harness;
    expect(await destroy()).toEqual({ destroy: "allowed" });
    fleet.demand = { queued: 1, running: 0 };
    expect(await runFleetOf(harness)).toEqual([]);
    expect(fleet.launches).toEqual([]);
  });

  it("waits for the pass that is at work, and looks again", async () => {
    const { fleet, lease, clock } = harness;
    await lease.acquire({ by: "schedule" });
    const startedAt = clock.now().getTime();
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (milliseconds) => {
      await sleep(milliseconds);
      harness.addAgent("ci_late");
      await lease.release(undefined);
    };
    await expect(destroy()).rejects.toThrow("task-ci_late");
    expect(clock.now().getTime() - startedAt).toBe(5000);
    expect(fleet.calls).toEqual(["capacity.remaining", "capacity.remaining"]);
  });

  it("is refused if the loop stays at work for a minute", async () => {
    await harness.lease.acquire({ by: "schedule" });
    await expect(destroy()).rejects.toThrow("the loop is at work");
  });
});

describe("a destroy of the fallback alone", () => {
  const without = (...machines: string[]) =>
    allowDestroyOfFallback({ fleet: "ci", capacities: [{ remainingInFallback: async () => machines }] });

  it("is refused while the second group has a machine, which may be in a job", async () => {
    await expect(without("i-1", "i-2")).rejects.toThrow(
      /second group of fleet ci still has agents.*: i-1, i-2\. Nothing was destroyed\. Give compute\.spotFallback back/,
    );
    expect(await without()).toEqual({ destroy: "allowed" });
  });

  it("is refused where the loop knows no second group", async () => {
    await expect(allowDestroyOfFallback({ fleet: "ci", capacities: [{}] })).rejects.toThrow("knows no fallback");
  });
});

describe("an event", () => {
  it.each([
    [{ source: "schedule" }, undefined],
    [{ source: "wake-up" }, undefined],
    [undefined, undefined],
    [
      { source: "terraform", tf: { action: "delete", prev_input: { source: "terraform" } } },
      { action: "delete", part: undefined },
    ],
    [
      { source: "terraform", tf: { action: "create", prev_input: null } },
      { action: "create", part: undefined },
    ],
    [
      { source: "terraform", part: "fallback", tf: { action: "delete" } },
      { action: "delete", part: "fallback" },
    ],
  ])("%j is Terraform's: %j", (event, asked) => expect(terraformRequestOf(event)).toEqual(asked));
});
