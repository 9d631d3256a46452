import { describe, expect, it, vi } from "vitest";
import { agent, eachInWorld, hour, later, seconds, settled, times, world } from "./world.ts";

eachInWorld();

describe("the termination hook", () => {
  it("an idle agent: heartbeat, drain, deregister, complete", async () => {
    world.terminate(agent);
    await settled();
    expect(world.calls).toEqual([
      "recordLifecycleActionHeartbeat",
      "describeInstances",
      "drain",
      "drain",
      "deregister",
      "completeLifecycleAction",
    ]);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("Spacelift defect 10, Semaphore defect 5: a job of three hours ends by itself; only then the instance goes", async () => {
    world.giveJob(agent, 3 * hour);
    world.terminate(agent);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(3 * hour);
    expect(seconds()).toBeLessThan(3 * hour + 120);
    expect(world.alerts).toEqual([]);
    expect(agent.locked).toBe(true);
  });

  it("a job beyond the drain timeout: an alert, and nothing is killed by us", async () => {
    world.giveJob(agent, 10 * hour);
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "FAILED" });
    expect(world.alerts).toMatchObject([
      { alert: expect.stringContaining("does not kill it"), lastError: { Error: "none" } },
    ]);
    expect(seconds()).toBeGreaterThanOrEqual(6 * hour);
    expect(seconds()).toBeLessThan(6 * hour + 120);
    expect(agent.end).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2 * hour * 1000);
    expect(agent.end).toEqual({ by: "aws", killedJob: true });
  });

  it("Spacelift defect 13: an hour without the vendor: the hook is held, and no call to the vendor comes before a heartbeat", async () => {
    world.giveJob(agent, 600);
    world.breakFor("vendor", hour);
    world.terminate(agent);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(hour);
    expect(seconds()).toBeLessThan(hour + 180);
    expect(world.alerts).toEqual([]);
    expect(world.calls.indexOf("recordLifecycleActionHeartbeat")).toBeLessThan(world.calls.indexOf("drain"));
    expect(times("recordLifecycleActionHeartbeat")).toBeGreaterThan(20);
    expect(world.metrics.sum("VendorApiErrors")).toBeGreaterThan(20);
  });

  it("is completed already: a success, and the vendor's record goes", async () => {
    const hook = world.terminate(agent);
    await settled();
    agent.known = true;
    void world.retire(agent, "terminating", hook);
    const executions = await settled();
    expect(executions.at(-1)).toMatchObject({ status: "SUCCEEDED" });
    expect(executions.at(-1)?.states.slice(-2)).toEqual(["Forget", "Gone"]);
    expect(agent.known).toBe(false);
  });

  it("ends while we complete it: a success", async () => {
    world.onCall = (call) => {
      if (call === "completeLifecycleAction" && agent.running) world.reclaim(agent);
    };
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
  });

  it("cannot be completed for a while: it is tried until it works", async () => {
    world.onCall = (call) => {
      if (call === "completeLifecycleAction" && times(call) < 10) throw new Error("throttled");
    };
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("of an instance that is dead already is completed, whatever the vendor says", async () => {
    world.giveJob(agent, hour);
    agent.running = false;
    world.breakFor("vendor", 600);
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution?.states).toEqual(expect.arrayContaining(["Is it alive", "Let it go", "Forget"]));
    expect(world.calls.slice(0, 3)).toEqual([
      "recordLifecycleActionHeartbeat",
      "describeInstances",
      "completeLifecycleAction",
    ]);
  });

  it.each([
    ["Spacelift: metadata that names no instance", hour],
    ["HCP or Azure DevOps: another pool", 5 * hour],
  ])("an instance that the vendor does not list is not let go: its agent may work (%s)", async (_, job) => {
    world.giveJob(agent, job);
    agent.known = false;
    world.terminate(agent);
    later(job + 60, () => Object.assign(agent, { word: "left" }));
    await vi.advanceTimersByTimeAsync((job + 61) * 1000);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(job);
  });

  it("a young instance whose agent is not there yet is not gone: the job that it gets meanwhile survives", async () => {
    agent.known = false;
    world.terminate(agent);
    later(90, () => {
      agent.known = true;
      agent.locked = false;
      expect(world.giveJob(agent, hour)).toBe(true);
    });
    await vi.advanceTimersByTimeAsync(91_000);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(hour + 90);
  });

  it("an instance that says itself that its agent never registered is let go at once", async () => {
    Object.assign(agent, { known: false, word: "never-registered" });
    world.terminate(agent);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeLessThan(120);
  });

  it("an instance that may be that of an agent which nobody can place is not let go, whatever it said", async () => {
    world.giveJob(agent, hour);
    Object.assign(agent, { known: false, unplaced: true, word: "never-registered" });
    world.terminate(agent);
    later(hour + 60, () => Object.assign(agent, { unplaced: false }));
    await vi.advanceTimersByTimeAsync((hour + 61) * 1000);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(hour);
  });

  it("an instance whose agent a retirement has seen leave is let go, though nobody can place another agent", async () => {
    Object.assign(agent, { known: false, unplaced: true, word: "left" });
    world.terminate(agent);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeLessThan(120);
  });

  it("the same event twice, a bucket apart: both end well", async () => {
    world.giveJob(agent, 600);
    const hook = world.terminate(agent);
    later(120, () => void world.retire(agent, "terminating", hook));
    await vi.advanceTimersByTimeAsync(121_000);
    const executions = await settled();
    expect(executions.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });
});
