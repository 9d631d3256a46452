import { describe, expect, it } from "vitest";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { launches } from "../../fixtures/launches.ts";
import { type AutoscaleHarness, createAutoscaleHarness } from "./harness.ts";

const woken = { isWoken: true, isWakeUp: false };

interface Case {
  readonly policy?: Partial<Policy>;
  readonly tickSeconds?: number;
  readonly called?: typeof woken;
  readonly arrange?: (harness: AutoscaleHarness) => void;
}

async function nextLookAfter({ policy = {}, tickSeconds = 10, called = woken, arrange }: Case) {
  const harness = createAutoscaleHarness(policy);
  arrange?.(harness);
  const deps = { ...harness.deps, tickSeconds, retirements: harness.fleet.retirements };
  return (await runPass(deps, called)).nextLookSeconds;
}

const working = ({ fleet, addAgent }: AutoscaleHarness) => {
  addAgent("ci_a", "busy");
  fleet.demand = { queued: 0, running: 1 };
};
const queued = (harness: AutoscaleHarness) => {
  harness.fleet.demand = { queued: 1, running: 0 };
};

describe("the next look at a fleet that a webhook wakes", () => {
  it.each<[why: string, Case]>([
    ["nothing happens", {}],
    ["all that runs has an agent", { arrange: working }],
    ["idle agents are as many as are wanted", { policy: { min: 1 }, arrange: (h) => h.addAgent("ci_a", "idle") }],
    ["idle agents are too many and leave by themselves", { arrange: (h) => h.addAgent("ci_a", "idle") }],
    ["scaling is switched off", { policy: { enabled: false }, arrange: queued }],
    ["a tick is a minute", { tickSeconds: 60, arrange: queued, policy: { max: 0, min: 0 } }],
  ])("is the schedule's while %s", async (_, each) => {
    expect(await nextLookAfter(each)).toBeUndefined();
  });

  it.each<[why: string, Case]>([
    ["a job waits at the ceiling", { policy: { max: 0, min: 0 }, arrange: queued }],
    [
      "AWS refused a launch",
      {
        arrange: (h) =>
          Object.assign(h.fleet, {
            demand: { queued: 1, running: 0 },
            launchFailures: [{ kind: "capacity", message: "no", count: 1 }],
          }),
      },
    ],
    [
      "the circuit is open",
      { arrange: (h) => Object.assign(h.fleet, { demand: { queued: 1, running: 0 }, launchesLastHour: launches(99) }) },
    ],
    [
      "agents are to be retired",
      {
        policy: { departure: "by-retirement", scaleInAfterObservations: 9 },
        arrange: (h) => h.addAgent("ci_a", "idle"),
      },
    ],
    [
      "an agent is retired",
      {
        policy: { departure: "by-retirement" },
        arrange: (h) => {
          h.addAgent("ci_a", "idle");
          h.fleet.retiring.add("ci_a");
        },
      },
    ],
    ["orders are too many", { arrange: (h) => h.addAgent("ci_a", undefined, { phase: "ordered" }) }],
  ])("comes after a tick while %s", async (_, each) => {
    expect(await nextLookAfter(each)).toBe(10);
  });

  it.each<[why: string, Case]>([
    ["an agent was launched for each job that waits", { arrange: queued }],
    ["the floor is being filled", { policy: { min: 1 } }],
    [
      "an agent starts",
      { policy: { min: 1 }, arrange: (h) => h.addAgent("ci_a", undefined, { launchedAt: h.clock.now() }) },
    ],
    ["an agent leaves", { arrange: (h) => h.addAgent("ci_a", "idle", { phase: "stopping" }) }],
    ["a webhook has just told of something", { arrange: working, called: { isWoken: true, isWakeUp: true } }],
  ])("comes after three ticks while %s: somebody may fail", async (_, each) => {
    expect(await nextLookAfter(each)).toBe(30);
  });

  it("comes at once where one look could not launch all", async () => {
    const many = (harness: AutoscaleHarness) => {
      harness.fleet.demand = { queued: 6, running: 0 };
    };
    expect(await nextLookAfter({ policy: { maxAddedPerTick: 5 }, arrange: many })).toBe(0);
    expect(await nextLookAfter({ policy: { maxAddedPerTick: 6 }, arrange: many })).toBe(30);
    const refused = (harness: AutoscaleHarness) => {
      many(harness);
      harness.fleet.launchFailures = [{ kind: "capacity", message: "no", count: 5 }];
    };
    expect(await nextLookAfter({ policy: { maxAddedPerTick: 5 }, arrange: refused })).toBe(10);
  });
});

describe("the next look at a fleet that no webhook wakes", () => {
  const called = { isWoken: false, isWakeUp: false };

  it("comes after a tick whatever happens: only a look finds new jobs", async () => {
    for (const arrange of [() => {}, working, queued]) expect(await nextLookAfter({ called, arrange })).toBe(10);
    expect(await nextLookAfter({ called, tickSeconds: 59 })).toBe(59);
  });

  it("is the schedule's where a tick is a minute", async () => {
    expect(await nextLookAfter({ called, tickSeconds: 60 })).toBeUndefined();
  });
});
