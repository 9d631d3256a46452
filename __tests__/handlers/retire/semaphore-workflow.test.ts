import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { joinAgents } from "../../../handlers/lib/core/agents.ts";
import { decide } from "../../../handlers/lib/core/scaling.ts";
import { anyMembers, anyPolicy, anySnapshot, now } from "../lib/core/arbitraries.ts";
import { agent, eachInWorld, hour, seconds, settled, times, world } from "./world.ts";

eachInWorld({ asksInstances: true });

describe("retirements of Semaphore's agents", () => {
  it("defect 5: a job of three hours behind the hook ends by itself; only then the instance goes", async () => {
    world.giveJob(agent, 3 * hour);
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(3 * hour);
    expect(seconds()).toBeLessThan(3 * hour + 120);
    expect(times("recordLifecycleActionHeartbeat")).toBeGreaterThan(100);
    expect(world.calls.indexOf("recordLifecycleActionHeartbeat")).toBeLessThan(world.calls.indexOf("drain"));
  });

  it("an hour without an answer from the instance is held out behind the hook", async () => {
    world.giveJob(agent, 600);
    world.breakFor("vendor", hour);
    world.terminate(agent);
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(hour);
    expect(world.alerts).toEqual([]);
  });

  it("an instance that has powered itself off behind the hook is let go without being asked", async () => {
    agent.running = false;
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution?.states).toEqual(expect.arrayContaining(["Is it alive", "Let it go"]));
    // Semaphore misses it after a while.
    await vi.advanceTimersByTimeAsync(120_000);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("an instance that is gone needs no retirement, and is asked nothing", async () => {
    Object.assign(agent, { lifecycle: undefined, running: false });
    void world.retire(agent, "release");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(times("terminateInstanceInAutoScalingGroup")).toBe(0);
  });

  it("Spot takes the instance while its job runs: the execution ends well", async () => {
    world.giveJob(agent, hour);
    setTimeout(() => world.reclaim(agent), 120_000);
    void world.retire(agent, "spot-interruption");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(agent.end).toEqual({ by: "aws", killedJob: true });
  });

  it.each([
    ["idle", 0],
    ["in a job", 900],
  ])("a surplus agent of the floor that is %s goes with decrement, after its job", async (_, job) => {
    if (job > 0) world.giveJob(agent, job);
    void world.retire(agent, "surplus");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(job);
    expect(world.group.desired).toBe(0);
    expect(times("undrain")).toBe(0);
  });

  it("one that registered after all is not ended for having never registered, nor told to leave", async () => {
    Object.assign(agent, { word: "registered" });
    void world.retire(agent, "never-registered");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(execution?.states.at(-1)).toBe("Stays");
    expect(seconds()).toBeLessThan(60);
    expect([times("drain"), times("terminateInstanceInAutoScalingGroup")]).toEqual([0, 0]);
    expect(world.giveJob(agent, 60)).toBe(true);
  });

  it("one that never registered, as its machine says, is asked once more and goes", async () => {
    Object.assign(agent, { word: "never-registered" });
    void world.retire(agent, "never-registered");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(times("drain")).toBeGreaterThan(0);
  });

  it("were one ever scaled in by mistake: no job is killed, an alert tells, and its own leaving ends it", async () => {
    world.giveJob(agent, 900);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution?.states.slice(-4)).toEqual(["Undrain", "Still drained", "Alert", "Fail"]);
    expect(world.alerts).toMatchObject([{ alert: expect.stringContaining("may take no jobs") }]);
    expect(agent).toMatchObject({ end: undefined, lifecycle: "InService" });

    await vi.advanceTimersByTimeAsync(900_000);
    void world.retire(agent, "release");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(world.group.desired).toBe(0);
  });

  it("none is: agents that leave by themselves are never chosen for scale-in, nor taken for drained", () => {
    fc.assert(
      fc.property(anySnapshot, anyMembers, anyPolicy, (any, members, policy) => {
        const { agents } = joinAgents({
          members,
          vendorAgents: undefined,
          retiring: new Set(),
          missingSince: new Map(),
          namePrefix: "ci_",
          registrationGraceSeconds: policy.registrationGraceSeconds,
          now,
        });
        const decision = decide(
          { ...any, agents, vendorShowsAgents: false },
          { ...policy, departure: "by-itself" },
          now,
        );
        expect(decision.scaleIn).toEqual({ count: 0, candidates: [] });
        expect(decision.retire.filter(({ reason }) => reason === "drained")).toEqual([]);
        expect(decision.action).not.toBe("scale-in");
      }),
    );
  });
});
