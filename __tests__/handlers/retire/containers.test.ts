import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRetirementWorld, type RetirementWorld, type WorldAgent } from "../../fakes/retirement-world.ts";
import { passTimeUntil } from "../../fakes/step-functions.ts";

const hour = 3600;
let world: RetirementWorld;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: new Date("2026-01-01T00:00:00Z") });
  world = createRetirementWorld({ place: "ecs" });
});

afterEach(() => {
  expect(world.faults()).toEqual([]);
  vi.useRealTimers();
});

const settled = () => passTimeUntil(world.settled());

describe("retirement of agents in containers (Azure DevOps)", () => {
  it("an idle agent is disabled, deleted, and only then its task is stopped", async () => {
    const agent = world.addAgent("ci.win_1");
    void world.retire(agent, "scale-in");
    await settled();
    expect(world.calls).toEqual(["drain", "drain", "deregister", "describeTasks", "stopTask"]);
    expect(agent).toMatchObject({ known: false, end: { by: "us", killedJob: false } });
  });

  it("defect 3: of many agents each is asked for itself; a busy one's refusal holds up no other", async () => {
    const agents = ["1", "2", "3"].map((suffix) => world.addAgent(`ci.win_${suffix}`));
    const [, busy] = agents;
    // It gets its job where no lock shows it: the refusal to delete is the last guard.
    world.onCall = (call, name) => {
      if (call !== "deregister" || name !== busy?.name) return;
      busy.locked = false;
      world.giveJob(busy, hour);
    };
    for (const agent of agents) void world.retire(agent, "scale-in");
    const executions = await settled();
    expect(executions.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(agents.map(({ end }) => end?.by)).toEqual(["us", undefined, "us"]);
    expect(busy).toMatchObject({ locked: false, known: true });
  });

  it("defect 3: a task that has not registered, or is gone, breaks nothing", async () => {
    const [unregistered, gone] = [world.addAgent("ci.win_1"), world.addAgent("ci.win_2")];
    unregistered.known = false;
    gone.known = false;
    gone.lifecycle = undefined;
    gone.running = false;
    void world.retire(unregistered, "scale-in");
    void world.retire(gone, "scale-in");
    const executions = await settled();
    expect(executions.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(unregistered.end).toBeUndefined();
  });

  it("a task that its vendor does not list is never stopped, for whatever reason: it may work in another pool", async () => {
    for (const reason of ["scale-in", "drained", "offline", "too-old"] as const) {
      const agent = world.addAgent(`ci_${reason}`);
      world.giveJob(agent, 100 * hour);
      agent.known = false;
      void world.retire(agent, reason);
    }
    await settled();
    expect(world.agents.map(({ end }) => end)).toEqual([undefined, undefined, undefined, undefined]);
    expect(world.calls).not.toContain("stopTask");
  });

  it("ECS down for a while: the task of an agent that was proven idle and deleted is stopped in the end", async () => {
    const agent = world.addAgent("ci_1");
    world.breakFor("ecs", hour);
    void world.retire(agent, "drained");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it("a job that comes at any moment of the retirement survives", async () => {
    for (let moment = 1; moment <= 5; moment += 1) {
      const agent = world.addAgent(`ci_${moment}`);
      let calls = 0;
      world.onCall = (_call, name) => {
        if (name !== agent.name) return;
        calls += 1;
        if (calls === moment) world.giveJob(agent, hour);
      };
      void world.retire(agent, "scale-in");
    }
    await settled();
    expect(world.agents.filter(({ end }) => end?.killedJob)).toEqual([]);
  });

  it("a drained agent that works is waited for, and then stopped", async () => {
    const agent = world.addAgent("ci_1");
    world.giveJob(agent, hour);
    agent.locked = true;
    void world.retire(agent, "drained");
    await settled();
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });

  it.each<[string, Partial<WorldAgent["task"]>]>([
    ["another fleet's", { TaskDefinitionArn: "arn:aws:ecs:us-west-2:111122223333:task-definition/cia:7" }],
    ["another pool's of a fleet with a longer name", { TaskDefinitionArn: "task-definition/ci_win" }],
    ["a service's", { StartedBy: "ecs-svc/1234567890123456789" }],
    ["a person's", { StartedBy: undefined as never }],
  ])("a task that is %s is never stopped, and an alert tells", async (_, task) => {
    const agent = world.addAgent("ci_1");
    Object.assign(agent.task, task);
    void world.retire(agent, "drained");
    const [execution] = await settled();
    expect(execution).toMatchObject({ status: "FAILED", cause: expect.stringContaining("not one that this fleet") });
    expect(world.calls).not.toContain("stopTask");
    expect(world.alerts).toHaveLength(1);
  });

  it("a task that ECS has forgotten is gone", async () => {
    const agent = world.addAgent("ci_1");
    world.onCall = (call) => {
      if (call === "describeTasks") agent.lifecycle = undefined;
    };
    void world.retire(agent, "drained");
    const [execution] = await settled();
    expect(execution?.status).toBe("SUCCEEDED");
    expect(world.calls).not.toContain("stopTask");
  });

  it("ECS down: the agent is gone from the vendor, its task stays, and an alert tells", async () => {
    const agent = world.addAgent("ci_1");
    world.breakFor("ecs", hour);
    void world.retire(agent, "scale-in");
    const [execution] = await settled();
    expect(execution?.states.slice(-4)).toEqual(["Undrain after failure", "Given up", "Alert", "Fail"]);
    expect(world.alerts).toMatchObject([{ lastError: { Error: "ecs.Down" } }]);
  });
});
