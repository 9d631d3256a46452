import { policyOf } from "../../__tests__/fixtures/policy.ts";
import type { Agent, AgentState, Snapshot } from "../../handlers/core/model.ts";
import { decide } from "../../handlers/core/scaling.ts";
import { type Figure, median } from "./figure.ts";

const now = new Date("2026-01-01T12:00:00Z");
const states: readonly AgentState[] = ["starting", "idle", "busy", "retiring", "offline"];
const policy = policyOf({
  min: 10,
  max: 100_000,
  buffer: 5,
  scaleInCooldownSeconds: 0,
  maxAddedPerTick: 100_000,
  maxRemovedPerTick: 100_000,
});

/** `decide()` on fleets of growing size with five times as many jobs, the per-agent cost against that at 1,000. */
export function measureDecide(): Figure[] {
  const sizes = [10, 1000, 10_000];
  const times = new Map(sizes.map((size) => [size, timeOf(size)]));
  const perAgent = (size: number) => (times.get(size) ?? Number.NaN) / size;
  return sizes.map((size) => ({
    what: `decide() with ${size} agents, ${5 * size} jobs`,
    value: times.get(size) ?? Number.NaN,
    unit: "ms",
    ...(size === 10_000 && {
      goal: { value: 10 },
      note: `${(perAgent(10_000) / perAgent(1000)).toFixed(2)}× the time per agent at 1,000 (1 is linear)`,
    }),
  }));
}

function timeOf(size: number): number {
  const snapshot = snapshotOf(size);
  const runs = Array.from({ length: 200 }, () => {
    const start = performance.now();
    decide(snapshot, policy, now);
    return performance.now() - start;
  });
  return median(runs.slice(50));
}

function snapshotOf(size: number): Snapshot {
  const agents = Array.from({ length: size }, (_, index): Agent => {
    const state = states[index % states.length] ?? "idle";
    return {
      name: `bench_${index}`,
      capacityId: `task-${index}`,
      vendorId: `agent-${index}`,
      state,
      role: index % 10 === 0 ? "floor" : "burst",
      launchedAt: new Date(now.getTime() - (index % 3600) * 1000),
    };
  });
  return {
    demand: { queued: 4 * size, running: size, oldestQueuedAt: now },
    agents,
    vendorShowsAgents: true,
    failedLaunchesLastHour: 0,
    recentlyWanted: [],
  };
}
