import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRetirementWorld, type RetirementWorld, type WorldAgent } from "../../fakes/retirement-world.ts";
import { passTimeUntil } from "../../fakes/step-functions.ts";

const hour = 3600;
let world: RetirementWorld;
let agent: WorldAgent;
let startedAt: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: new Date("2026-01-01T00:00:00Z") });
  startedAt = Date.now();
  world = createRetirementWorld({ place: "asg" });
  agent = world.addAgent("i-0123456789abcdef0");
});

afterEach(() => {
  expect(world.faults()).toEqual([]);
  vi.useRealTimers();
});

const seconds = () => (Date.now() - startedAt) / 1000;
const settled = () => passTimeUntil(world.settled());

describe("an instance that is dead already", () => {
  it.each([
    "shutting-down",
    "terminated",
    "stopping",
    "stopped",
  ] as const)("and that EC2 calls %s has its hook completed, with the vendor down", async (deadAs) => {
    Object.assign(agent, { running: false, deadAs });
    world.breakFor("vendor", 2 * hour);
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution?.states).toEqual(expect.arrayContaining(["Is it alive", "Let it go", "Forget"]));
    expect(agent.lifecycle).toBeUndefined();
  });

  it("is forgotten at once where its hook is over meanwhile", async () => {
    agent.running = false;
    world.onCall = (call) => {
      if (call === "completeLifecycleAction") world.reclaim(agent);
    };
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution?.states.slice(-3)).toEqual(["Let it go", "Forget", "Gone"]);
    expect(seconds()).toBeLessThan(60);
  });
});

describe("an instance that its hook holds", () => {
  it("is drained and let go although no heartbeat gets through", async () => {
    world.giveJob(agent, 600);
    world.onCall = (call) => {
      if (call === "recordLifecycleActionHeartbeat") throw new Error("throttled");
    };
    world.terminate(agent);
    const [execution] = await settled();
    expect(execution?.states.slice(-2)).toEqual(["Complete the hook", "Gone"]);
    expect(agent.end).toEqual({ by: "us", killedJob: false });
  });
});

describe("an instance that is no business of its retirement", () => {
  it("is left alone where it serves, and the hook that is told of is over", async () => {
    void world.retire(agent, "terminating", { name: "agent-fleets-retire", group: "ci" });
    const [execution] = await settled();
    expect(execution?.states.slice(-2)).toEqual(["Where it is", "Gone"]);
    expect(agent).toMatchObject({ locked: false, end: undefined });
  });

  it.each([
    "ci",
    "ci-on-demand",
  ])("but is terminated, or let go, where it is in a fleet's second group: %s", async (group) => {
    world = createRetirementWorld({ place: "asg", groups: ["ci", "ci-on-demand"] });
    const [released, held] = ["i-00000001", "i-00000002"].map((id) => world.addAgent(id));
    if (!released || !held) throw new Error("there are no agents");
    for (const each of [released, held]) each.group = group;
    world.giveJob(held, 600);
    void world.retire(released, "scale-in");
    world.terminate(held);
    await settled();
    expect(released.end).toEqual({ by: "us", killedJob: false });
    expect(held.end).toEqual({ by: "us", killedJob: false });
    const other = world.addAgent("i-00000003");
    other.group = "of others";
    void world.retire(other, "release");
    await settled();
    expect(other).toMatchObject({ end: undefined, lifecycle: "InService" });
    other.locked = false;
  });

  it("is not terminated where another group has it: its vendor forgets it", async () => {
    agent.group = "of others";
    void world.retire(agent, "release");
    const [execution] = await settled();
    expect(execution?.states.slice(-3)).toEqual(["Where it is", "Forget", "Gone"]);
    expect(agent).toMatchObject({ end: undefined, lifecycle: "InService" });
    agent.locked = false;
  });
});
