import { describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { createPools, type NamedPool } from "../../../handlers/autoscale/pools.ts";
import { wholeFleet } from "../../../handlers/lib/core/overrides.ts";
import { type PoolSettings, poolSettings, type TablePart } from "../../../handlers/lib/settings/pool.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createAutoscaleHarness, runFleetOf } from "./harness.ts";

const pools = () => {
  const harnesses = ["small", "large", "arm"].map((pool) => {
    const harness = createAutoscaleHarness();
    harness.fleet.demand = { queued: 1, running: 0 };
    return { ...harness, deps: { ...harness.deps, poolName: `ci.${pool}`, tickSeconds: 60 } };
  });
  const runPools = (deps: readonly (AutoscaleDeps | Error)[]) => runFleetOf(createAutoscaleHarness(), { pools: deps });
  return { harnesses, runPools, deps: harnesses.map(({ deps }) => deps) };
};

describe("passes of several pools", () => {
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

describe("a pool whose settings cannot be used", () => {
  it("is a failure like any other", async () => {
    const { harnesses, runPools, deps } = pools();
    const bad = new Error("bad row");
    await expect(runPools([bad, ...deps])).rejects.toBe(bad);
    expect(harnesses.map(({ fleet }) => fleet.launches.length)).toEqual([1, 1, 1]);
  });
});

describe("the pools of a fleet", () => {
  const settings: PoolSettings = {
    policy: policyOf({ min: 1, max: 10 }),
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      demand: "api",
    },
    capacity: { type: "asg", group: "ci", hook: "retire", bootSeconds: 1200 },
  };
  const setUp = (keys?: readonly string[]) => {
    const { clock, log, deps } = createAutoscaleHarness();
    const rows = { pool: new Map<string, string | undefined>(), override: new Map<string, string | undefined>() };
    const asked: string[] = [];
    const made: NamedPool[] = [];
    const readAll = async (part: TablePart) => {
      asked.push(part);
      return new Map(rows[part]);
    };
    const read = createPools({ FLEET: "ci", POOLS: keys }, { rows: { readAll }, clock, log }, (named) => {
      made.push(named);
      return { ...deps, poolName: named.poolName, policy: named.policy };
    });
    const put = (key: string, changes: Partial<PoolSettings> = {}) =>
      rows.pool.set(key, poolSettings.encode({ ...settings, ...changes }));
    const readGood = async () =>
      (await read()).map((pool) => {
        if (pool instanceof Error) throw pool;
        return pool;
      });
    return { clock, log, rows, asked, made, put, read, readGood };
  };

  it("are the fleet itself where none is named", async () => {
    const { put, made, readGood } = setUp();
    put(wholeFleet);
    expect(await readGood()).toMatchObject([{ poolName: "ci", policy: settings.policy }]);
    expect(made).toEqual([{ ...settings, pool: undefined, poolName: "ci" }]);
  });

  it("are those of the environment: a row of another pool is nobody's", async () => {
    const { put, read } = setUp(["arm", "arm-large"]);
    for (const key of ["arm", "gone"]) put(key);
    const [arm, large] = await read();
    expect(arm).toMatchObject({ poolName: "ci.arm" });
    expect(String(large)).toContain("the settings of pool arm-large cannot be used");
  });

  it("have names that begin no other pool's or fleet's agents", async () => {
    const { put, readGood } = setUp(["arm", "arm-large"]);
    for (const key of ["arm", "arm-large"]) put(key);
    const [first, second] = await readGood();
    expect(`${second?.poolName}_1`.startsWith(`${first?.poolName}_`)).toBe(false);
    expect(`${first?.poolName}_1`.startsWith("ci_")).toBe(false);
  });

  it("are made anew only where their row has changed", async () => {
    const { put, made, readGood } = setUp(["one", "two"]);
    for (const key of ["one", "two"]) put(key);
    const [one, two] = await readGood();
    put("two", { policy: policyOf({ max: 3 }) });
    const after = await readGood();
    expect(after[0]).toBe(one);
    expect(after[1]).not.toBe(two);
    expect(made.map(({ pool }) => pool)).toEqual(["one", "two", "two"]);
  });

  it("that became bad fail, and work again once the row is mended, though nothing was made anew", async () => {
    const { put, rows, read, made } = setUp(["one"]);
    put("one");
    const [before] = await read();
    rows.pool.set("one", "{}");
    expect((await read())[0]).toBeInstanceOf(Error);
    rows.pool.delete("one");
    expect((await read())[0]).toBeInstanceOf(Error);
    put("one");
    expect((await read())[0]).toBe(before);
    expect(made).toHaveLength(1);
  });

  it("of which nothing can be made fail alone", async () => {
    const { clock, log, deps } = createAutoscaleHarness();
    const text = poolSettings.encode(settings);
    const rows = { readAll: async () => new Map(["one", "two"].map((key) => [key, text])) };
    const read = createPools({ FLEET: "ci", POOLS: ["one", "two"] }, { rows, clock, log }, ({ pool }) => {
      if (pool === "one") throw new Error("no such vendor");
      return deps;
    });
    const [one, two] = await read();
    expect(String(one)).toContain("no such vendor");
    expect(two).not.toBeInstanceOf(Error);
  });

  describe("under overrides", () => {
    const inForce = async (pool: AutoscaleDeps | undefined) => (await pool?.inForce?.())?.policy;

    it("follow them until they end, by the loop's own clock", async () => {
      const { clock, put, rows, readGood } = setUp(["one", "two"]);
      for (const key of ["one", "two"]) put(key, { policy: policyOf({ min: 0, max: 10 }) });
      const [one, two] = await readGood();
      const until = new Date(clock.now().getTime() + 60_000);
      rows.override.set("limits one", JSON.stringify({ max: 4, until }));
      expect(await inForce(one)).toMatchObject({ max: 4, enabled: true });
      expect(await inForce(two)).toMatchObject({ max: 10 });
      clock.advance(59_999);
      expect(await inForce(one)).toMatchObject({ max: 4 });
      clock.advance(1);
      expect(await inForce(one)).toMatchObject({ max: 10 });
    });

    it("are read again after five seconds, and once for all pools", async () => {
      const { clock, put, rows, asked, readGood } = setUp(["one", "two"]);
      for (const key of ["one", "two"]) put(key);
      const [one, two] = await readGood();
      await Promise.all([inForce(one), inForce(two)]);
      expect(asked).toEqual(["pool", "override"]);
      rows.override.set("pause (fleet)", "{}");
      clock.advance(5_000);
      expect(await inForce(one)).toMatchObject({ enabled: false });
      expect(await inForce(two)).toMatchObject({ enabled: false });
      expect(asked).toEqual(["pool", "override", "override"]);
    });

    it("log a bad one once", async () => {
      const { clock, log, put, rows, readGood } = setUp();
      put(wholeFleet);
      const [pool] = await readGood();
      rows.override.set("limits (fleet)", '{"max":3}');
      for (let reading = 0; reading < 3; reading += 1) {
        expect(await inForce(pool)).toMatchObject({ max: 10 });
        clock.advance(60_000);
      }
      expect(log.lines.filter(({ message }) => message.includes("counts for nothing"))).toHaveLength(1);
    });

    it("keep what an Auto Scaling group keeps by itself", async () => {
      const { clock, put, rows, readGood } = setUp();
      put(wholeFleet, { policy: policyOf({ min: 2, max: 10 }) });
      const [pool] = await readGood();
      const until = new Date(clock.now().getTime() + 60_000);
      rows.override.set("limits (fleet)", JSON.stringify({ min: 0, max: 1, until }));
      expect(await inForce(pool)).toMatchObject({ min: 2, max: 2 });
    });

    it("drain a group only as far as it keeps fewer itself by now", async () => {
      const { put, rows, readGood } = setUp();
      put(wholeFleet, { policy: policyOf({ min: 2, max: 10 }) });
      const [pool] = await readGood();
      rows.override.set("drain (fleet)", JSON.stringify({ since: "2026-01-01T00:00:00Z" }));
      for (const [kept, left] of [
        [undefined, 2],
        [5, 2],
        [1, 1],
        [0, 0],
      ] as const) {
        expect((await pool?.inForce?.(kept))?.policy).toMatchObject({ min: left, max: left });
      }
    });
  });
});
