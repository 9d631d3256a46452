import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRetirementWorld, type RetirementWorld } from "../../fakes/retirement-world.ts";
import { passTimeUntil } from "../../fakes/step-functions.ts";

const hour = 3600;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: new Date("2026-01-01T00:00:00Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Has each kind of call fail so many times before it works. */
function failFirst(world: RetirementWorld, times: number): void {
  const failures = new Map<string, number>();
  world.onCall = (call) => {
    const failed = failures.get(call) ?? 0;
    failures.set(call, failed + 1);
    if (failed < times) throw new Error(`${call} failed`);
  };
}

const made = ({ calls }: RetirementWorld, call: string) => calls.filter((each) => each === call).length;

describe("a call that fails", () => {
  it.each([
    ["asg", "terminateInstanceInAutoScalingGroup"],
    ["ecs", "describeTasks"],
    ["ecs", "stopTask"],
  ] as const)("is made again, three times at most, before a retirement on %s is given up", async (place, end) => {
    const retired = async (failures: number) => {
      const world = createRetirementWorld({ place });
      const agent = world.addAgent("i-0123456789abcdef0");
      failFirst(world, failures);
      void world.retire(agent, "scale-in");
      const [execution] = await passTimeUntil(world.settled());
      return { world, agent, status: execution?.status, states: execution?.states };
    };
    const smooth = await retired(0);
    const rough = await retired(3);
    expect(rough.states).toEqual(smooth.states);
    expect(rough).toMatchObject({ agent: { end: { by: "us", killedJob: false } }, world: { alerts: [] } });
    expect(made(rough.world, end)).toBe(4);
    expect(await retired(4)).toMatchObject({ status: "FAILED", agent: { end: undefined } });
  });

  it("is not made again where it says that the agent works after all: it gets its lock lifted at once", async () => {
    const world = createRetirementWorld({ place: "ecs" });
    const agent = world.addAgent("i-0123456789abcdef0");
    world.onCall = (call) => {
      if (call !== "drain" || made(world, "drain") !== 2) return;
      agent.locked = false;
      world.giveJob(agent, hour);
    };
    void world.retire(agent, "scale-in");
    await passTimeUntil(world.settled());
    expect([made(world, "drain"), made(world, "undrain")]).toEqual([2, 1]);
    expect(agent).toMatchObject({ locked: false, end: undefined });
  });
});
