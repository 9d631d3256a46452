import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { poolsOf } from "../../../handlers/autoscale/pools.ts";
import { autoscaleEnv } from "../../../handlers/lib/settings/autoscale.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createAutoscaleHarness, runFleetOf } from "./harness.ts";

describe("passes of several pools", () => {
  const pools = () => {
    const harnesses = ["small", "large", "arm"].map((pool) => {
      const harness = createAutoscaleHarness();
      harness.fleet.demand = { queued: 1, running: 0 };
      return { ...harness, deps: { ...harness.deps, poolName: `ci.${pool}`, tickSeconds: 60 } };
    });
    const runPools = (deps: readonly AutoscaleDeps[]) => runFleetOf(createAutoscaleHarness(), { pools: deps });
    return { harnesses, runPools, deps: harnesses.map(({ deps }) => deps) };
  };

  it("each see and serve their own", async () => {
    const { harnesses, runPools, deps } = pools();
    Object.assign(harnesses[1]?.fleet ?? {}, { demand: { queued: 3, running: 0 } });
    const passes = await runPools(deps);
    expect(passes.map(({ lastDecision }) => lastDecision?.wanted)).toEqual([1, 3, 1]);
    const names = harnesses.flatMap(({ fleet }) => fleet.launches.flat().map(({ agentName }) => agentName));
    expect(names).toEqual(["ci.small_s1", "ci.large_s1", "ci.large_s2", "ci.large_s3", "ci.arm_s1"]);
  });

  it("run side by side: one that waits holds up no other", async () => {
    const { harnesses, runPools, deps } = pools();
    const [slow, ...others] = harnesses;
    let release = () => {};
    if (!slow) throw new Error("no pool");
    const waiting = new Promise<void>((resolve) => {
      release = resolve;
    });
    const read = slow.fleet.vendor.readDemand;
    const vendor = { ...slow.fleet.vendor, readDemand: () => waiting.then(() => read()) };
    const passes = runPools([{ ...slow.deps, vendor }, ...deps.slice(1)]);
    await Promise.all(others.map(({ deps: other }) => expect.poll(() => other.clock && launched(other)).toBe(1)));
    expect(slow.fleet.launches).toEqual([]);
    release();
    await passes;
    expect(slow.fleet.launches).toHaveLength(1);

    function launched(pool: (typeof deps)[number]): number {
      return harnesses.find(({ deps: own }) => own === pool)?.fleet.launches.length ?? 0;
    }
  });

  it("fail the invocation when one fails, with what it threw, and the others have done their work", async () => {
    const { harnesses, runPools, deps } = pools();
    const down = new Error("down");
    harnesses[0]?.fleet.failures.set("vendor.readDemand", down);
    await expect(runPools(deps)).rejects.toBe(down);
    expect(harnesses.map(({ fleet }) => fleet.launches.length)).toEqual([0, 1, 1]);
  });

  it("fail the invocation with all that was thrown when several fail", async () => {
    const { harnesses, runPools, deps } = pools();
    const [one, other] = [new Error("one"), new Error("other")];
    harnesses[0]?.fleet.failures.set("capacity.read", one);
    harnesses[2]?.fleet.failures.set("vendor.listAgents", other);
    const failure = await runPools(deps).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message: "2 pools failed", errors: [one, other] });
    expect(harnesses[1]?.fleet.launches).toHaveLength(1);
  });
});

describe("the pools of a fleet", () => {
  const policy = policyOf({ min: 1, buffer: { percent: 20 } });
  const vendor = {
    type: "hcp-terraform",
    organization: "acme",
    agentPool: "aws",
    address: "https://app.terraform.io",
    demand: "api",
  } as const;
  const capacity = { type: "asg", group: "ci", hook: "retire", bootSeconds: 1200 } as const;
  const environment = {
    FLEET: "ci",
    POLICY: policy,
    TICK_SECONDS: 10,
    VENDOR: vendor,
    CAPACITY: capacity,
    STATE_TABLE: "ci-state",
    NEXT_LOOKS_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/000000000000/ci-next-looks",
  };
  type Pools = z.output<typeof autoscaleEnv>["POOLS"];

  /** As the Lambda gets it. */
  const settings = (POOLS?: Pools) =>
    poolsOf(z.decode(autoscaleEnv, z.encode(autoscaleEnv, { ...environment, ...(POOLS && { POOLS }) })));

  it("are the fleet itself where none is named", () => {
    expect(settings()).toEqual([{ pool: undefined, poolName: "ci", policy, vendor, capacity }]);
  });

  it("are what the fleet has in common, changed by what each has of its own", () => {
    const pools = settings([
      { pool: "small", policy: {}, vendor: { agentPool: "small" }, capacity: {} },
      { pool: "large", policy: { max: 3, buffer: 0 }, vendor: {}, capacity: { group: "ci-large" } },
    ]);
    expect(pools).toEqual([
      { pool: "small", poolName: "ci.small", policy, vendor: { ...vendor, agentPool: "small" }, capacity },
      {
        pool: "large",
        poolName: "ci.large",
        policy: { ...policy, max: 3, buffer: 0 },
        vendor,
        capacity: { ...capacity, group: "ci-large" },
      },
    ]);
  });

  it.each<[what: string, own: object]>([
    ["a vendor's setting of another type", { vendor: { agentPool: 7 } }],
    ["a setting that the vendor does not know", { vendor: { agentpool: "x" } }],
    ["a setting that the capacity does not know", { capacity: { cluster: "x" } }],
  ])("are refused with %s", (_, own) => {
    expect(() => settings([{ pool: "small", policy: {}, vendor: {}, capacity: {}, ...own }])).toThrow();
  });

  it("have names that begin no other pool's or fleet's agents", () => {
    const [first, second] = settings([
      { pool: "arm", policy: {}, vendor: {}, capacity: {} },
      { pool: "arm-large", policy: {}, vendor: {}, capacity: {} },
    ]);
    expect(`${second?.poolName}_1`.startsWith(`${first?.poolName}_`)).toBe(false);
    expect(`${first?.poolName}_1`.startsWith("ci_")).toBe(false);
  });
});
