import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinAgents } from "../../../../../handlers/lib/core/agents.ts";
import type { Vendor } from "../../../../../handlers/lib/core/ports.ts";
import type { AzureDevOpsRuntime } from "../../../../../handlers/lib/settings/vendors/azure-devops.ts";
import { createAzureDevOps } from "../../../../../handlers/lib/vendors/azure-devops/client.ts";
import type { VendorDeps } from "../../../../../handlers/lib/vendors/deps.ts";
import type { FakeAgent, FakePool } from "../../../../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../../fakes/azure-devops.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";

describe("an agent pool of Azure DevOps", () => {
  let clock: FakeClock;
  let fake: AzureDevOpsFake;
  let pool: FakePool;
  let deps: VendorDeps;

  async function start(collection?: string): Promise<void> {
    await fake?.close();
    clock = createFakeClock();
    fake = await startAzureDevOpsFake({ clock, ...(collection !== undefined && { collection }) });
    fake.state.addPool("aws-other");
    pool = fake.state.addPool("aws");
    deps = { clock, readToken: () => Promise.resolve("test-pat") };
  }
  beforeEach(() => start());
  afterEach(() => fake.close());

  const vendorOf = (identity: AzureDevOpsRuntime["pool"] = pool): Vendor =>
    createAzureDevOps(fake.runtime(identity), deps);
  const requestsTo = (path: RegExp) => fake.requests.filter((request) => path.test(request.path));

  describe("is found", () => {
    it.each([
      ["as it is written", "aws"],
      ["written in another case, which Azure DevOps takes for the same", "AWS"],
    ])("by its name %s, once", async (_, name) => {
      fake.state.addAgent(pool, "ci_1");
      const vendor = vendorOf({ name });
      expect(await vendor.listAgents()).toMatchObject([{ name: "ci_1" }]);
      await vendor.readDemand();
      expect(requestsTo(/pools$/)).toHaveLength(1);
    });

    it.each(["aws", "AWS"])("by its id, once it is seen to be named %s", async (name) => {
      fake.state.addAgent(pool, "ci_1");
      const vendor = vendorOf({ id: pool.id, name });
      expect(await vendor.listAgents()).toMatchObject([{ name: "ci_1" }]);
      await vendor.readDemand();
      expect(requestsTo(/pools(?:\/\d+)?$/).map(({ path }) => path)).toEqual([
        `/acme/_apis/distributedtask/pools/${pool.id}`,
      ]);
    });

    it("again after some minutes: it may have got another name", async () => {
      const vendor = vendorOf();
      await vendor.listAgents();
      fake.state.pools.set(pool.id, { ...pool, name: "renamed" });
      clock.advance(6 * 60_000);
      await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "misconfigured" });
    });

    it("under the path of a server's collection, as under an organization", async () => {
      await start("/tfs/DefaultCollection");
      fake.state.addAgent(pool, "ci_1");
      expect(await vendorOf({ name: "aws" }).listAgents()).toMatchObject([{ name: "ci_1" }]);
      expect(fake.requests[0]?.path).toBe("/tfs/DefaultCollection/_apis/distributedtask/pools");
    });

    it("again after one of the same name took its place", async () => {
      const vendor = vendorOf({ name: "aws" });
      await vendor.listAgents();
      fake.state.pools.delete(pool.id);
      const heir = fake.state.addPool("aws");
      fake.state.addAgent(heir, "ci_1");
      await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "not-found" });
      expect(await vendor.listAgents()).toMatchObject([{ name: "ci_1" }]);
    });
  });

  it("fails every call where its id is that of a pool of another name, and registers no placeholder", async () => {
    const other = fake.state.addPool("ci");
    const agent = fake.state.addAgent(other, "ci_1", { status: "offline" });
    const vendor = vendorOf({ name: "ci", id: pool.id });
    const failure = {
      kind: "misconfigured",
      message: `pool ${pool.id} is named "aws", but agents register in "ci": correct the id or the name`,
    };
    await expect(vendor.listAgents()).rejects.toMatchObject(failure);
    await expect(vendor.readDemand()).rejects.toMatchObject(failure);
    await expect(vendor.keepQueueOpen?.([])).rejects.toMatchObject(failure);
    await expect(vendor.removeAgent(String(agent.id))).rejects.toMatchObject(failure);
    expect(fake.requests.map(({ method }) => method)).toEqual(["GET", "GET", "GET", "GET"]);
    expect(fake.state.agents.size).toBe(1);
  });

  describe("is missed", () => {
    it.each([
      ["by name", { name: "gcp" }, 'agent pool "gcp" does not exist, or the credential may not see it'],
      [
        "by id",
        { name: "aws", id: 99 },
        'agent pool "aws" with id 99 does not exist, or the credential may not see it',
      ],
    ])("%s, in words that name it", async (_, identity, message) => {
      const vendor = vendorOf(identity);
      await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "not-found", message });
      await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "not-found", message });
    });

    it("when the credential may not see it: an empty answer would look like a pool without agents", async () => {
      fake.state.addAgent(pool, "ci_1");
      fake.state.rights = "none";
      await expect(vendorOf({ name: "aws" }).listAgents()).rejects.toMatchObject({ kind: "not-found" });
      await expect(vendorOf().listAgents()).rejects.toMatchObject({ kind: "not-found" });
    });
  });

  it("is asked for its jobs as other autoscalers ask: without those that are over, and without $top", async () => {
    const agent = fake.state.addAgent(pool, "ci_1");
    const [done] = [fake.state.addJob(pool, { agent })];
    fake.state.finish(done);
    expect(await vendorOf().readDemand()).toMatchObject({ queued: 0, running: 0 });
    expect([...(requestsTo(/jobrequests$/)[0]?.query ?? [])]).toEqual([
      ["completedRequestCount", "0"],
      ["api-version", "6.0"],
    ]);
  });

  it("serves jobs, and keeps them queued, that demand what this pool of several has besides", async () => {
    const offered = (poolCapabilities: Record<string, string>) =>
      createAzureDevOps({ ...fake.runtime(pool), poolCapabilities }, deps);
    const vendor = offered({ kubectl: "1.33" });
    await vendor.keepQueueOpen?.([]);
    expect(fake.state.queueJob(pool, ["kubectl -equals 1.33", "Agent.OS -equals Linux"]).result).toBeUndefined();
    expect(await vendor.readDemand()).toMatchObject({ queued: 1 });
    expect(await offered({}).readDemand()).toMatchObject({ queued: 0 });
  });

  it("says that there may be more than the 200 jobs that the API lists", async () => {
    const vendor = vendorOf();
    await vendor.keepQueueOpen?.([]);
    for (let job = 0; job < 199; job += 1) fake.state.queueJob(pool);
    expect((await vendor.readDemand()).partial).toBeUndefined();
    fake.state.queueJob(pool);
    fake.state.queueJob(pool);
    expect(await vendor.readDemand()).toMatchObject({ queued: 200, partial: true });
  });

  describe("shows its agents", () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const job = () => fake.state.addJob(pool);

    it.each<[string, (agent: FakeAgent) => void, string]>([
      ["connected and free", () => {}, "idle"],
      ["with a job", (agent) => Object.assign(agent, { job: job() }), "busy"],
      ["with a job, and locked", (agent) => Object.assign(agent, { job: job(), enabled: false }), "busy"],
      ["with a job, and lost from sight", (agent) => Object.assign(agent, { job: job(), status: "offline" }), "busy"],
      ["locked", (agent) => Object.assign(agent, { enabled: false }), "draining"],
      ["not connected", (agent) => Object.assign(agent, { status: "offline" }), "offline"],
      ["not connected, and locked", (agent) => Object.assign(agent, { status: "offline", enabled: false }), "offline"],
      ["in a state of the future", (agent) => Object.assign(agent, { status: "hibernating" }), "busy"],
      ["silent about its lock", (agent) => Object.assign(agent, { enabled: undefined }), "busy"],
    ])("%s", async (_, change, state) => {
      change(fake.state.addAgent(pool, "ci_1"));
      expect(await vendorOf().listAgents()).toMatchObject([{ name: "ci_1", state }]);
    });

    it.each([
      ["its last change", { statusChangedOn: at(9).toISOString(), createdOn: at(2).toISOString() }, at(9)],
      [
        "its registration, if it never connected",
        { statusChangedOn: undefined, createdOn: at(2).toISOString() },
        at(2),
      ],
      [
        "the later, if one is nonsense",
        { statusChangedOn: "0001-01-01T00:00:00", createdOn: at(2).toISOString() },
        at(2),
      ],
      ["a time it does not tell", { statusChangedOn: "lately", createdOn: "once" }, undefined],
    ])("offline since %s", async (_, times, offlineSince) => {
      fake.state.addAgent(pool, "ci_1", { status: "offline", ...times });
      expect(await vendorOf().listAgents()).toMatchObject([{ state: "offline", offlineSince }]);
    });

    it("and their leftovers are ours to remove only when they bear our name and are gone for long", async () => {
      const offline = (name: string, since: Date) =>
        fake.state.addAgent(pool, name, {
          status: "offline",
          statusChangedOn: since.toISOString(),
          createdOn: at(0).toISOString(),
        });
      const orphan = offline("ci_gone", at(1));
      offline("ci_starting", at(59));
      offline("other_gone", at(1));
      offline("keeps-the-queue-open", at(1));
      Object.assign(offline("ci_lost-with-its-job", at(1)), { job: job() });
      const { orphans } = joinAgents({
        members: [],
        vendorAgents: await vendorOf().listAgents(),
        retiring: new Set(),
        missingSince: new Map(),
        namePrefix: "ci_",
        registrationGraceSeconds: 300,
        now: at(60),
      });
      expect(orphans.map(({ name }) => name)).toEqual(["ci_gone"]);
      await vendorOf().removeAgent(String(orphan.id));
      expect(fake.state.agentNamed("ci_gone")).toBeUndefined();
    });
  });

  describe("removes no agent", () => {
    it("for lack of rights, and says so", async () => {
      const { id } = fake.state.addAgent(pool, "ci_1", { status: "offline" });
      fake.state.rights = "read";
      await expect(vendorOf().removeAgent(String(id))).rejects.toMatchObject({ kind: "unauthorized", status: 403 });
      await expect(vendorOf().removeAgent(String(id))).rejects.not.toThrow("canary");
    });
  });

  describe("sets the pace", () => {
    it("by good answers too: nothing is asked before the time is over, in any pool of the fleet", async () => {
      const other = vendorOf({ name: "aws-other" });
      const vendor = vendorOf({ name: "aws" });
      fake.state.slowDownSeconds = 12;
      await vendor.readDemand();
      await other.listAgents();
      const { id } = fake.state.addAgent(pool, "ci_gone", { status: "offline" });
      await vendor.removeAgent(String(id));
      await vendor.listAgents();
      expect(fake.state.tooEarly).toBe(0);
      expect(clock.sleeps).toEqual(Array(fake.requests.length - 1).fill(12_000));
    });

    it("by the longest pause that answers ask for which come side by side", async () => {
      const asks = (path: RegExp, seconds: string) =>
        fake.fail({
          path,
          times: 1,
          answer: { status: 200, headers: { "retry-after": seconds }, json: { value: [] } },
        });
      asks(/jobrequests$/, "30");
      asks(/agents$/, "2");
      const jobsFirst: typeof fetch = async (url, init) => {
        const answer = await fetch(url, init);
        if (String(url).includes("/agents?")) await setTimeout(50);
        return answer;
      };
      deps = { ...deps, fetch: jobsFirst };
      const vendor = vendorOf();
      await Promise.all([vendor.readDemand(), vendor.listAgents()]);
      await vendor.readDemand();
      expect(clock.sleeps).toEqual([30_000]);
    });

    it("until it no longer asks to slow down", async () => {
      const vendor = vendorOf();
      await vendor.readDemand();
      fake.state.slowDownSeconds = 5;
      await vendor.readDemand();
      fake.state.slowDownSeconds = undefined;
      await vendor.readDemand();
      await vendor.readDemand();
      expect(clock.sleeps).toEqual([5_000]);
    });

    it("and is not waited for where the time is too long for a pass: that fails as rate-limited", async () => {
      const vendor = vendorOf();
      await vendor.readDemand();
      fake.state.slowDownSeconds = 600;
      await vendor.readDemand();
      await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "rate-limited" });
      expect(fake.state.tooEarly).toBe(0);
      clock.advance(600_000);
      fake.state.slowDownSeconds = undefined;
      await expect(vendor.readDemand()).resolves.toMatchObject({ queued: 0 });
    });

    it("when it refuses: by Retry-After, or by when its window ends", async () => {
      const vendor = vendorOf();
      fake.fail({ times: 1, answer: { status: 429, headers: { "retry-after": "30" } } });
      await vendor.readDemand();
      const end = Math.floor(clock.now().getTime() / 1000) + 20;
      fake.fail({ times: 1, answer: { status: 429, headers: { "x-ratelimit-reset": String(end) } } });
      await vendor.readDemand();
      expect(clock.sleeps[0]).toBeGreaterThanOrEqual(30_000);
      expect(clock.now().getTime()).toBeGreaterThanOrEqual(end * 1000);
    });
  });
});
