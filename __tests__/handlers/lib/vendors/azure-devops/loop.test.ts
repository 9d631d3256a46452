import { describe, expect, it } from "vitest";
import { runPass } from "../../../../../handlers/autoscale/handler.ts";
import { SecretUnavailableError } from "../../../../../handlers/lib/core/errors.ts";
import type { AzureDevOpsFleet } from "../../../../fakes/azure-devops-fleet.ts";
import { createAutoscaleHarness, runFleetOf } from "../../../autoscale/harness.ts";
import { clock, eachInLoop, failureOf, fake, fleetOf, fleetWith, looksOf, start, vendorDeps } from "./loop.ts";

eachInLoop();

describe("the loop of an Azure DevOps fleet", () => {
  it("launches nothing, not even the floor, before its credential is set", async () => {
    const unset = new SecretUnavailableError("The secret has no value yet");
    Object.assign(vendorDeps, { readToken: () => Promise.reject(unset) });
    const fleet = fleetOf("ci", { min: 2 });
    fleet.queueJobs(3);
    expect(await failureOf(runPass(fleet.deps))).toBe(unset);
    expect(fleet.tasks()).toEqual([]);
  });

  it("serves 30 jobs in an empty pool by 30 agents, and all of them leave", async () => {
    const fleet = fleetOf("ci");
    await runPass(fleet.deps);
    const jobs = fleet.queueJobs(30);
    expect(jobs.filter(({ result }) => result)).toEqual([]);

    await runPass(fleet.deps);
    expect(fleet.tasks()).toHaveLength(30);
    fleet.boot();
    expect(fleet.work()).toHaveLength(30);
    await runPass(fleet.deps);
    expect(fleet.tasks()).toHaveLength(30);

    fleet.finish(jobs);
    const { lastDecision } = await runPass(fleet.deps);
    expect(lastDecision).toMatchObject({ action: "hold", wanted: 0, supply: 0 });
    expect(fleet.tasks()).toEqual([]);
    expect(fleet.agents()).toEqual([]);
    expect(fleet.metrics.sum("Launched")).toBe(30);
    expect(jobs.every(({ result }) => result === "succeeded")).toBe(true);
  });

  it("retires agents that nobody needs, each by itself, and none that works", async () => {
    const fleet = await fleetWith(6);
    const jobs = fleet.queueJobs(2);
    fleet.work();
    clock.advance(61_000);
    const last = await looksOf({ ...fleet.deps, policy: { ...fleet.deps.policy, min: 0 } });
    expect(last?.lastDecision).toMatchObject({ wanted: 2, supply: 2 });
    expect(fleet.agents().map(({ job }) => job)).toEqual(jobs);
    expect(fleet.killed).toEqual([]);
    expect(fleet.metrics.sum("RetirementsStarted")).toBe(4);
  });

  it("loses no job to a retirement, whenever in a pass jobs come and are assigned", async () => {
    let saved = 0;
    for (let moment = 1; moment <= 20; moment += 1) {
      await start();
      const fleet = await fleetWith(2);
      clock.advance(61_000);
      let requests = 0;
      fake.onRequest = () => {
        requests += 1;
        if (requests === moment) fleet.queueJobs(1);
        if (requests === moment) fleet.work();
      };
      await failureOf(runPass({ ...fleet.deps, policy: { ...fleet.deps.policy, min: 0 } }));
      expect({ moment, killed: fleet.killed }).toEqual({ moment, killed: [] });
      for (const agent of fleet.agents()) if (agent.job) saved += 1;
    }
    expect(saved).toBeGreaterThan(5);
  });

  it("defect 1: jobs that were cancelled in the queue launch nothing, however many they are", async () => {
    const fleet = fleetOf("ci");
    await runPass(fleet.deps);
    for (const job of fleet.queueJobs(60)) fake.state.finish(job, "canceled");
    const { lastDecision } = await runPass(fleet.deps);
    expect(lastDecision).toMatchObject({ action: "hold", wanted: 0 });
    expect(fleet.tasks()).toEqual([]);
  });

  it("defect 1: there are never more agents than max", async () => {
    const fleet = fleetOf("ci", { max: 12 });
    await runPass(fleet.deps);
    fleet.queueJobs(500);
    for (let pass = 0; pass < 3; pass += 1) await runPass(fleet.deps);
    expect(fleet.tasks()).toHaveLength(12);
    expect(fleet.metrics.records.at(-1)).toMatchObject({ AtCeiling: 1, JobsQueued: 200 });
  });

  it("defect 2: more than ten agents are launched by as many calls, and what ECS refuses is counted and made up for", async () => {
    const fleet = fleetOf("ci");
    await runPass(fleet.deps);
    fleet.queueJobs(30);
    let asked = 0;
    fleet.ecs.refuse = () => {
      asked += 1;
      return asked > 15 && asked <= 20 ? { reason: "Capacity is unavailable at this time." } : undefined;
    };
    await looksOf(fleet.deps);
    expect(fleet.tasks()).toHaveLength(30);
    const launches = fleet.ecs.calls.filter(({ operation }) => operation === "RunTask");
    expect(launches.every(({ input }) => input.count === 1)).toBe(true);
    expect(fleet.metrics.sum("LaunchFailures")).toBeGreaterThanOrEqual(5);
    expect(fleet.log.lines.some(({ level, message }) => level === "warn" && message === "launch failed")).toBe(true);
  });

  it("defect 3: a busy agent's refusal keeps no other from leaving", async () => {
    const fleet = await fleetWith(4);
    clock.advance(61_000);
    const [first] = fleet.agents();
    let jobs = 0;
    fake.onRequest = ({ method, path }) => {
      if (method !== "DELETE" || !path.endsWith(`/${first?.id}`) || !first || jobs > 0) return;
      // Through a lock that somebody has lifted in between.
      jobs += 1;
      first.enabled = true;
      fleet.queueJobs(1);
      fleet.work();
    };
    await failureOf(runPass({ ...fleet.deps, policy: { ...fleet.deps.policy, min: 0 } }));
    expect(jobs).toBe(1);
    expect(fleet.killed).toEqual([]);
    expect(fleet.agents().map(({ name }) => name)).toEqual([first?.name]);
  });

  it("defect 3: neither tasks that have not registered nor empty lists break a pass", async () => {
    const fleet = fleetOf("ci", { min: 2 });
    await expect(runPass(fleet.deps)).resolves.toMatchObject({ lastDecision: { wanted: 2 } });
    fleet.boot(1);
    clock.advance(61_000);
    const lowered = { ...fleet.deps, policy: { ...fleet.deps.policy, min: 0 } };
    await looksOf(lowered);
    const last = await looksOf(lowered);
    expect(last?.lastDecision).toMatchObject({ action: "hold", wanted: 0 });
    // The one that is proven idle goes, and the order that ECS has not begun to launch.
    expect(fleet.tasks()).toEqual([]);
    expect(fleet.killed).toEqual([]);
    expect(fleet.agents()).toEqual([]);
  });

  it("defect 4: agents that start count, so no pass launches for the same job again", async () => {
    const fleet = fleetOf("ci");
    await runPass(fleet.deps);
    fleet.queueJobs(5);
    for (let pass = 0; pass < 4; pass += 1) await runPass(fleet.deps);
    expect(fleet.metrics.sum("Launched")).toBe(5);
    expect(fleet.metrics.records.at(-1)).toMatchObject({ AgentsOrdered: 5 });
  });

  it("defect 4: a job that its agent has not received yet is not counted beside its agent", async () => {
    const fleet = await fleetWith(5, { max: 100 });
    fleet.queueJobs(5);
    fake.state.dispatch(fleet.pool);
    const { lastDecision } = await runPass(fleet.deps);
    expect(lastDecision).toMatchObject({ wanted: 5, supply: 5, launch: [] });
  });

  it("defect 5: it works at any date, and what its own calls answer is read", async () => {
    await start(new Date("2049-02-28T23:59:58.000Z"));
    const fleet = fleetOf("ci");
    await runPass(fleet.deps);
    fleet.queueJobs(1);
    await runPass(fleet.deps);
    expect(fleet.tasks()).toHaveLength(1);
    fleet.boot();
    const [job] = fleet.work();
    clock.advance(3600_000);
    await runPass(fleet.deps);
    if (job) fleet.finish([job]);
    await expect(runPass(fleet.deps)).resolves.toMatchObject({ lastDecision: { action: "hold" } });
    expect(fleet.killed).toEqual([]);
  });

  describe("of several pools", () => {
    const passOver = (...fleets: readonly AzureDevOpsFleet[]) =>
      runFleetOf(createAutoscaleHarness(), { pools: fleets.map(({ deps }) => deps) });

    it("serves each by its own agents, under its own limit", async () => {
      const [linux, windows] = [fleetOf("ci.linux", { max: 40 }), fleetOf("ci.win", { max: 2 })];
      await passOver(linux, windows);
      linux.queueJobs(30);
      windows.queueJobs(3);
      await passOver(linux, windows);
      expect([linux.tasks().length, windows.tasks().length]).toEqual([30, 2]);
      for (const fleet of [linux, windows]) fleet.boot();
      expect([linux.work().length, windows.work().length]).toEqual([30, 2]);
      expect(linux.agents().every(({ name }) => name.startsWith("ci.linux_"))).toBe(true);
    });

    it("does not hold one up because the other's credential is refused, and fails all the same", async () => {
      const [refused, healthy] = [fleetOf("ci.one"), fleetOf("ci.two")];
      await passOver(refused, healthy);
      for (const fleet of [refused, healthy]) fleet.queueJobs(12);
      fake.fail({ path: new RegExp(`/pools/${refused.pool.id}/`), answer: { status: 401 } });
      await expect(passOver(refused, healthy)).rejects.toMatchObject({ kind: "unauthorized" });
      expect([refused.tasks().length, healthy.tasks().length]).toEqual([0, 12]);
    });
  });

  describe("clears up", () => {
    it("records of our own agents that were lost, and of nobody else", async () => {
      const fleet = fleetOf("ci");
      const lost = { status: "offline" };
      for (const name of ["ci_lost", "other_lost", "ci-2_lost", "ci.linux_lost"])
        fake.state.addAgent(fleet.pool, name, lost);
      await runPass(fleet.deps);
      clock.advance(301_000);
      await runPass(fleet.deps);
      const names = fake.state.agentsOf(fleet.pool).map(({ name }) => name);
      expect(names.sort()).toEqual(["ci-2_lost", "ci.linux_lost", "keeps-the-queue-open", "other_lost"]);
    });

    it("never the placeholder, even while there is nothing else in the pool", async () => {
      const fleet = fleetOf("ci");
      for (let day = 0; day < 3; day += 1) {
        await runPass(fleet.deps);
        clock.advance(86_400_000);
      }
      expect(fake.requests.filter(({ method }) => method === "POST" || method === "DELETE")).toHaveLength(1);
    });

    it("neither counts nor touches agents of others in the pool", async () => {
      const fleet = fleetOf("ci");
      for (let index = 0; index < 5; index += 1) fake.state.addAgent(fleet.pool, `theirs-${index}`);
      clock.advance(61_000);
      const { lastDecision } = await runPass(fleet.deps);
      expect(lastDecision).toMatchObject({ wanted: 0, supply: 0, retire: [] });
      expect(fake.requests.filter(({ method }) => method === "PATCH" || method === "DELETE")).toEqual([]);
    });
  });
});
