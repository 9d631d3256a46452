import { describe, expect, it, vi } from "vitest";
import { agent, begin, eachInWorld, hour, later, seconds, settled, times, world } from "./world.ts";

eachInWorld();

describe("scale-in", () => {
  it("an idle agent is drained, deregistered and terminated with decrement; its hook ends with it", async () => {
    void world.retire(agent, "scale-in");
    const [scaleIn, terminating] = await settled();
    expect(scaleIn?.states).toEqual([
      "Begin",
      "Has a hook",
      "Look",
      "Where it is",
      "Look at the instance",
      "Is it alive",
      "Drain",
      "What it does",
      "Deregister",
      "How to end",
      "Terminate",
      "Gone",
    ]);
    expect(terminating?.states.slice(-3)).toEqual(["How to end", "Complete the hook", "Gone"]);
    expect(world.group.desired).toBe(0);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeLessThan(60);
    expect(world.metrics.sum("Retired")).toBe(1);
  });

  it("Spacelift defects 4, 7: a busy agent is undrained, stays and works on", async () => {
    world.giveJob(agent, hour);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED", states: expect.arrayContaining(["Undrain", "Stays"]) });
    expect(agent).toMatchObject({ locked: false, end: undefined, lifecycle: "InService" });
    expect([world.metrics.sum("Retired"), world.metrics.sum("RetirementsAborted")]).toEqual([0, 1]);
    expect(world.alerts).toEqual([]);
  });

  it("Spacelift defect 8: one busy candidate holds up no other, and leaves room for a substitute", async () => {
    const idle = world.addAgent("i-0000000000000002");
    world.giveJob(agent, hour);
    void world.retire(agent, "scale-in");
    void world.retire(idle, "scale-in");
    await settled();
    expect([agent.end, idle.end]).toEqual([undefined, { by: "us", killedJob: false }]);
    // The next tick sees the first as busy, and so as no candidate: decide() picks another.
    expect(agent.locked).toBe(false);
    expect(world.group.desired).toBe(1);
  });

  it("an agent that gets a job between drain and the last look is not terminated", async () => {
    world.onCall = (call) => {
      if (call !== "drain" || times("drain") !== 2) return;
      agent.locked = false;
      world.giveJob(agent, hour);
    };
    void world.retire(agent, "scale-in");
    await settled();
    expect(agent).toMatchObject({ locked: false, end: undefined });
    expect(times("terminateInstanceInAutoScalingGroup")).toBe(0);
  });

  it("Spacelift defect 7: with the vendor down nothing is terminated, and an alert tells", async () => {
    world.onCall = (call) => {
      if (call === "drain" && times("drain") === 1) world.breakFor("vendor", 20);
      if (call === "undrain") world.breakFor("vendor", 0);
    };
    vi.spyOn(Math, "random").mockReturnValue(0);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "FAILED", cause: expect.stringContaining("could not be retired") });
    expect(execution?.states.slice(-4)).toEqual(["Undrain after failure", "Given up", "Alert", "Fail"]);
    expect(world.alerts).toMatchObject([
      { alert: expect.stringContaining("takes jobs again"), lastError: { Error: "VendorApiError" } },
    ]);
    expect(agent).toMatchObject({ locked: false, end: undefined });
  });

  it("undrain fails: the alert says that the agent stays drained, and the next retirement finishes it", async () => {
    world.giveJob(agent, 60);
    world.onCall = (call) => {
      if (call === "undrain") world.breakFor("vendor", 120);
    };
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution?.states.slice(-4)).toEqual(["Undrain", "Still drained", "Alert", "Fail"]);
    expect(world.alerts).toMatchObject([{ alert: expect.stringContaining("may take no jobs") }]);
    expect(agent).toMatchObject({ locked: true, end: undefined });

    // The loop sees it drained, without a retirement.
    void world.retire(agent, "drained");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("Spacelift defects 5, 6: at the floor the instance is replaced, by name, and desired capacity is left alone", async () => {
    begin({ min: 1 });
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution?.states.slice(-3)).toEqual(["Terminate", "Terminate and replace", "Gone"]);
    expect(world.group.desired).toBe(1);
    expect(world.calls.filter((call) => /desired|detach/i.test(call))).toEqual([]);
  });

  it("Auto Scaling down: the agent takes jobs again, and an alert tells", async () => {
    world.breakFor("autoscaling", hour);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution?.states.slice(-4)).toEqual(["Undrain after failure", "Given up", "Alert", "Fail"]);
    expect(agent.end).toBeUndefined();
  });

  it("an alert that cannot be sent changes nothing else", async () => {
    world.breakFor("autoscaling", hour);
    world.breakFor("sns", hour);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "FAILED" });
    expect(agent.locked).toBe(false);
  });

  it("the instance gone under us: its record goes, and nothing fails", async () => {
    agent.lifecycle = undefined;
    agent.running = false;
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(execution?.states.slice(-2)).toEqual(["Forget", "Gone"]);
    expect(agent.known).toBe(false);
  });

  it("the instance gone between drain and terminate: nothing fails", async () => {
    world.onCall = (call) => {
      if (call === "terminateInstanceInAutoScalingGroup") world.reclaim(agent);
    };
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(execution?.states.slice(-3)).toEqual(["Look again", "Is it gone", "Gone"]);
  });

  it("an instance that is terminating already is left to its hook", async () => {
    world.giveJob(agent, 600);
    world.terminate(agent);
    void world.retire(agent, "scale-in");
    const [, scaleIn] = await settled();
    expect(scaleIn?.states).toEqual(["Begin", "Has a hook", "Look", "Where it is", "Gone"]);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });
});

describe("what AWS or the agent has decided", () => {
  it("a Spot notice while idle: the agent is out before AWS takes it", async () => {
    void world.retire(agent, "spot-interruption");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeLessThan(120);
  });

  it("a Spot notice while busy: no new job, and AWS alone ends it", async () => {
    world.giveJob(agent, hour);
    later(120, () => world.reclaim(agent));
    void world.retire(agent, "spot-interruption");
    later(90, () => expect(world.giveJob(agent, 1)).toBe(false));
    const [execution] = await settled();
    expect(agent.end).toEqual({ by: "aws", killedJob: true });
    expect(execution).toMatchObject({ status: "SUCCEEDED" });
    expect(agent.known).toBe(false);
    expect(seconds()).toBeLessThan(hour + 120);
  });

  it("a new template while busy waits for the job", async () => {
    world.giveJob(agent, hour);
    void world.retire(agent, "outdated");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(seconds()).toBeGreaterThanOrEqual(hour);
  });

  it.each([
    ["jobs wait: it is replaced at once", 3, 1],
    ["no job waits: the group gets smaller", 0, 0],
  ])("Semaphore defect 1: an agent has left, %s", async (_, queued, desired) => {
    world.queued = queued;
    Object.assign(agent, { known: false, word: "left" });
    void world.retire(agent, "release");
    await settled();
    expect(world.group.desired).toBe(desired);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("the vendor does not tell whether jobs wait: the fleet keeps its size", async () => {
    world.onCall = (call) => {
      if (call === "readDemand") world.breakFor("vendor", 5);
    };
    void world.retire(agent, "release");
    await settled();
    expect(world.group.desired).toBe(1);
  });

  it("Spot has taken the instance already: nobody is asked anything, and no alarm rings", async () => {
    agent.running = false;
    world.breakFor("vendor", 2 * hour);
    void world.retire(agent, "spot-interruption");
    const [execution] = await settled();
    expect(execution?.states).not.toContain("Drain");
    expect(world.alerts).toEqual([]);
    await vi.advanceTimersByTimeAsync(3 * hour * 1000);
  });

  it("two reasons at once: the agent goes once", async () => {
    world.giveJob(agent, 600);
    void world.retire(agent, "outdated");
    void world.retire(agent, "spot-interruption");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
    expect(world.group.desired).toBe(0);
  });
});
