import { policyOf } from "../../__tests__/fixtures/policy.ts";
import type { Agent, AgentState, Snapshot } from "../../handlers/lib/core/model.ts";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import { decide } from "../../handlers/lib/core/scaling.ts";
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
  departure: "by-retirement",
});
/** A fleet on instances that shrinks to its floor: the decision sorts all idle agents. */
const shrinking = policyOf({ ...policy, removalOrder: "longest-idle-first", buffer: { percent: 10 } });

/**
 * A fleet with a floor of single-use agents that its vendor does not show: only the jobs decide who gets which role.
 */
const unseen = policyOf({ ...policy, departure: "by-itself", singleUse: true, canRetire: true });

/**
 * `decide()` on fleets of growing size with five times as many jobs. Compares the cost per agent with that at 1,000.
 */
export function measureDecide(): Figure[] {
  const sizes = [10, 1000, 10_000];
  const times = new Map(sizes.map((size) => [size, timeOf(snapshotOf(size), policy)]));
  const perAgent = (size: number) => (times.get(size) ?? Number.NaN) / size;
  const growing = sizes.map((size) => ({
    what: `decide() with ${size} agents, ${5 * size} jobs`,
    value: times.get(size) ?? Number.NaN,
    unit: "ms" as const,
    baseline: copyOf(snapshotOf(size)),
    ...(size === 10_000 && {
      goal: { value: 10 },
      note: `${(perAgent(10_000) / perAgent(1000)).toFixed(2)}× the time per agent at 1,000 (1 is linear)`,
    }),
  }));
  const unseenAgents = unclear(snapshotOf(10_000));
  const idle = { ...snapshotOf(10_000), demand: { queued: 0, running: 0 } };
  return [
    ...growing,
    {
      what: "decide() with 10000 agents, no jobs: who is retired first, by idle time",
      value: timeOf(idle, shrinking),
      unit: "ms",
      baseline: copyOf(idle),
      goal: { value: 10 },
    },
    {
      what: "decide() with 10000 agents that the vendor does not show, a fifth of them without a part",
      value: timeOf(unseenAgents, unseen),
      unit: "ms",
      baseline: copyOf(unseenAgents),
      goal: { value: 10 },
    },
  ];
}

function unclear(snapshot: Snapshot): Snapshot {
  const agents = snapshot.agents.map((agent, index): Agent => {
    const state = agent.state === "idle" || agent.state === "busy" ? "unclear" : agent.state;
    return { ...agent, state, role: index % 5 === 1 ? undefined : agent.role };
  });
  return { ...snapshot, agents, vendorShowsAgents: false };
}

/** The time that a copy of the same agents takes: what any look at all of them costs at least. */
function copyOf({ agents }: Snapshot) {
  return { what: "a deep copy of the agents", value: timeEach(() => structuredClone(agents)) };
}

function timeOf(snapshot: Snapshot, rules: Policy): number {
  return timeEach(() => decide(snapshot, rules, now));
}

function timeEach(work: () => unknown): number {
  const runs = Array.from({ length: 200 }, () => {
    const start = performance.now();
    work();
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
      idleSince: new Date(now.getTime() - ((index * 7919) % 3600) * 1000),
      outdated: index % 3 === 0,
    };
  });
  return {
    demand: { queued: 4 * size, running: size, oldestQueuedAt: now },
    agents,
    vendorShowsAgents: true,
    launches: [],
    circuit: {},
    recentlyWanted: [],
  };
}
