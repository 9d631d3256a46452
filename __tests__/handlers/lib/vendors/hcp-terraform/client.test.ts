import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SeenRun, Vendor } from "../../../../../handlers/lib/core/ports.ts";
import { createHcpTerraform } from "../../../../../handlers/lib/vendors/hcp-terraform/client.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";
import type { FakePool } from "../../../../fakes/hcp-terraform/state.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import type { FakeRequest } from "../../../../fakes/http-fake.ts";

const readToken = () => Promise.resolve("test-token");

describe("HCP Terraform by its API", () => {
  let clock: FakeClock;
  let fake: HcpTerraformFake;
  let pool: FakePool;
  let vendor: Vendor;

  beforeEach(async () => {
    clock = createFakeClock();
    fake = await startHcpTerraformFake({ clock });
    for (let index = 0; index < 250; index += 1) fake.state.addPool(`aws-${index}`);
    pool = fake.state.addPool("aws");
    vendor = createHcpTerraform(
      { type: "hcp-terraform", organization: "acme", agentPool: "aws", address: fake.url, demand: "api" },
      { clock, readToken },
    );
  });
  afterEach(() => fake.close());

  const requestsTo = (path: RegExp) => fake.requests.filter((request) => path.test(request.path));

  it("finds the pool of exactly this name on the third page, once", async () => {
    fake.state.registerAgent("one", pool);
    await vendor.listAgents();
    expect(await vendor.listAgents()).toMatchObject([{ name: "one" }]);
    expect(requestsTo(/agent-pools$/)).toHaveLength(3);
  });

  it("says which pool is missing, and finds it once it is there", async () => {
    fake.state.pools.delete(pool.id);
    await expect(vendor.listAgents()).rejects.toThrow('agent pool "aws" of organization "acme" does not exist');
    fake.state.addPool("aws");
    expect(await vendor.listAgents()).toEqual([]);
  });

  it("finds a pool that was made anew under its name after one failed pass", async () => {
    await vendor.listAgents();
    fake.state.pools.delete(pool.id);
    fake.state.registerAgent("one", fake.state.addPool("aws"));
    await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "not-found" });
    expect(await vendor.listAgents()).toMatchObject([{ name: "one" }]);
  });

  it.each([
    ["idle", "idle"],
    ["busy", "busy"],
    ["unknown", "busy"],
    ["of_the_future", "busy"],
    ["errored", "gone"],
    ["exited", "gone"],
  ])("defect 1: an agent that is %s is %s: what is not proven to be idle or gone may work", async (status, state) => {
    fake.state.registerAgent("one", pool, status);
    expect(await vendor.listAgents()).toMatchObject([{ name: "one", state }]);
  });

  it("defect 1: overlooks no working agent when others leave between two pages", async () => {
    const agents = Array.from({ length: 150 }, (_, index) => fake.state.registerAgent(`agent-${index}`, pool, "busy"));
    let pages = 0;
    fake.onRequest = ({ path }) => {
      // The 101st becomes the 100th just before the second page is read.
      if (path.endsWith("/agents") && ++pages === 2) fake.state.agents.delete(agents[0]?.id ?? "");
    };
    const names = new Set((await vendor.listAgents())?.map((agent) => agent.name));
    expect(names).toContain("agent-100");
    expect(names.size).toBe(150);
  });

  it("asks for the pool's runs that have to do with agents, in large pages", async () => {
    await vendor.readDemand();
    const [request] = requestsTo(/runs$/);
    expect(Object.fromEntries(request?.query ?? [])).toEqual({
      "filter[agent_pool_names]": "aws",
      "filter[status]":
        "plan_queued,apply_queued,planning,applying,fetching,fetching_completed,pre_plan_running,pre_plan_completed," +
        "queuing,cost_estimating,policy_checking,post_plan_running,confirmed,queuing_apply,pre_apply_running," +
        "pre_apply_completed",
      "page[size]": "100",
      "page[number]": "1",
    });
    expect(request?.headers.accept).toBe("application/vnd.api+json");
  });

  it("goes no further than an empty page, whatever that says of a next one", async () => {
    const json = { data: [], meta: { pagination: { "next-page": 2 } } };
    fake.fail({ path: /runs$/, answer: { status: 200, json } });
    expect(await vendor.readDemand()).toMatchObject({ queued: 0, running: 0 });
    expect(requestsTo(/runs$/)).toHaveLength(1);
  });

  it("counts plan-only runs one by one and other runs by workspace", async () => {
    const workspace = fake.state.addWorkspace("prod", pool);
    fake.state.queueRun(workspace);
    fake.state.queueRun(workspace, { status: "pending" });
    fake.state.queueRun(workspace, { planOnly: true });
    fake.state.queueRun(fake.state.addWorkspace("dev", pool), { status: "planning", planOnly: true });
    fake.state.queueRun(fake.state.addWorkspace("elsewhere", fake.state.addPool("other")));
    expect(await vendor.readDemand()).toMatchObject({ queued: 2, running: 1 });
  });

  it("times the wait from the state the run is in, not from its creation days ago", async () => {
    const run = fake.state.queueRun(fake.state.addWorkspace("prod", pool), { status: "planned" });
    clock.advance(3 * 86_400_000);
    fake.state.setRunStatus(run.id, "confirmed");
    const confirmedAt = clock.now();
    expect(await vendor.readDemand()).toEqual({ queued: 0, running: 0, expected: 1 });
    clock.advance(1_000);
    run.status = "apply_queued";
    expect((await vendor.readDemand()).oldestQueuedAt).toEqual(confirmedAt);
  });

  it("says how long a run had waited when an agent took it, and nothing where a time is missing", async () => {
    const run = fake.state.queueRun(fake.state.addWorkspace("prod", pool));
    expect((await vendor.readDemand()).started).toBeUndefined();
    clock.advance(7_000);
    fake.state.setRunStatus(run.id, "planning");
    const at = clock.now();
    clock.advance(5_000);
    expect((await vendor.readDemand()).started).toEqual([{ at, waitedSeconds: 7 }]);
    run.timestamps.delete("plan-queued-at");
    expect((await vendor.readDemand()).started).toBeUndefined();
  });

  it("times the wait from the run's creation where no state is timed", async () => {
    const createdAt = clock.now();
    fake.state.queueRun(fake.state.addWorkspace("prod", pool)).timestamps.clear();
    clock.advance(60_000);
    expect((await vendor.readDemand()).oldestQueuedAt).toEqual(createdAt);
  });

  it.each([
    "planned",
    "policy_override",
    "post_plan_awaiting_decision",
    "pending",
  ])("sees the run that wants an agent behind 3,100 that are %s, by one request", async (status) => {
    fake.state.runListsPerMinute = 30;
    fake.state.queueRun(fake.state.addWorkspace("ours", pool));
    for (let index = 0; index < 3_100; index += 1)
      fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool), { status });
    expect(await vendor.readDemand()).toMatchObject({ queued: 1, running: 0 });
    expect(requestsTo(/runs$/)).toHaveLength(1);
  });

  it("reads no more than ten pages: a thousand jobs are enough to know", async () => {
    for (let index = 0; index < 1_200; index += 1) fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool));
    expect(await vendor.readDemand()).toMatchObject({ queued: 1_000, partial: true });
    expect(requestsTo(/runs$/)).toHaveLength(10);
  });

  it("reads no further than the fleet's ceiling, says so, and so reads every tick's demand within the rate limit", async () => {
    fake.state.runListsPerMinute = 30;
    for (let index = 0; index < 5_000; index += 1) fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool));
    for (let tick = 0; tick < 18; tick += 1) {
      expect(await vendor.readDemand({ enough: 121 })).toMatchObject({ queued: 200, partial: true });
      clock.advance(10_000);
    }
    expect(requestsTo(/runs$/)).toHaveLength(18 * 2);
    expect(clock.sleeps).toEqual([]);
  });

  it("reads on while most runs have an agent: only those that wait count towards the ceiling", async () => {
    fake.state.queueRun(fake.state.addWorkspace("waiting", pool));
    for (let index = 0; index < 150; index += 1)
      fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool), { status: "planning" });
    expect(await vendor.readDemand({ enough: 20 })).toMatchObject({ queued: 1, running: 150 });
    expect((await vendor.readDemand({ enough: 20 })).partial).toBeUndefined();
  });

  it("wants agents for five runs in a task stage for two minutes, and tells of no wait while it lasts an hour", async () => {
    for (let index = 0; index < 5; index += 1)
      fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool), { status: "post_plan_running" });
    const readings = [];
    for (let minute = 0; minute < 60; minute += 1) {
      readings.push(await vendor.readDemand());
      clock.advance(60_000);
    }
    expect(readings.map(({ expected = 0 }) => expected)).toEqual([5, 5, ...Array(58).fill(0)]);
    expect(readings.every(({ queued, oldestQueuedAt }) => queued === 0 && oldestQueuedAt === undefined)).toBe(true);
  });

  it("does not take a server that ignores the filter for one whose runs want agents", async () => {
    fake.onRequest = ({ query }) => query.delete("filter[status]");
    for (const status of ["planned", "applied", "errored", "pending"])
      fake.state.queueRun(fake.state.addWorkspace(status, pool), { status });
    expect(await vendor.readDemand()).toEqual({ queued: 0, running: 0, oldestQueuedAt: undefined });
  });

  it("says what it may mean that there are no runs to be seen", async () => {
    fake.state.listsOrganizationRuns = false;
    await expect(vendor.readDemand()).rejects.toMatchObject({
      kind: "not-found",
      status: 404,
      message:
        'the runs of organization "acme" are not found: it does not exist, the API token may not read its runs, or this ' +
        "is a Terraform Enterprise older than v202409-1",
    });
  });

  it("takes a pool that is not found for no empty one, whatever page says so", async () => {
    for (let index = 0; index < 150; index += 1) fake.state.registerAgent(`agent-${index}`, pool, "busy");
    for (const page of ["1", "2"]) {
      fake.clearFaults();
      const when = ({ path, query }: FakeRequest) => path.endsWith("/agents") && query.get("page[number]") === page;
      fake.fail({ when, answer: { status: 404 } });
      await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "not-found" });
    }
  });

  it("keeps to 30 lists of runs a minute over pages and retries, so that the API never refuses", async () => {
    fake.state.runListsPerMinute = 30;
    for (let index = 0; index < 250; index += 1) fake.state.queueRun(fake.state.addWorkspace(`ws-${index}`, pool));
    fake.fail({ path: /runs$/, times: 3, answer: { status: 503 } });
    for (let pass = 0; pass < 12; pass += 1) expect(await vendor.readDemand()).toMatchObject({ queued: 250 });
    expect(requestsTo(/runs$/)).toHaveLength(12 * 3 + 3);
    expect(Math.max(...clock.sleeps)).toBeGreaterThan(50_000);
    expect(clock.sleeps.filter((sleep) => sleep > 5_000)).toHaveLength(1);
  });

  it("does not page for ever", async () => {
    const meta = { pagination: { "next-page": 1 } };
    const data = [fake.state.registerAgent("one", pool)].map(({ id, name }) => ({
      id,
      attributes: { name, status: "idle" },
    }));
    fake.fail({ path: /agents$/, answer: { status: 200, json: { data, meta } } });
    await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "malformed" });
    expect(requestsTo(/agents$/)).toHaveLength(1);
  });

  it("goes by the size of a page where paging is not told at all", async () => {
    const page = (count: number) => ({
      status: 200,
      json: {
        data: Array.from({ length: count }, (_, index) => ({
          id: `agent-${count}-${index}`,
          attributes: { name: "x", status: "idle" },
        })),
      },
    });
    fake.fail({ path: /agents$/, times: 1, answer: page(100) });
    fake.fail({ path: /agents$/, times: 1, answer: page(7) });
    fake.fail({ path: /agents$/, answer: page(0) });
    expect(await vendor.listAgents()).toHaveLength(107);
  });

  it("goes by links where only they tell the next page", async () => {
    const page = (id: string, next: string | null) => ({
      status: 200,
      json: { data: [{ id, attributes: { name: id, status: "idle" } }], links: { next } },
    });
    fake.fail({ path: /agents$/, times: 1, answer: page("a", "https://elsewhere.example/api/v2/x?page=2") });
    fake.fail({ path: /agents$/, answer: page("b", null) });
    expect(await vendor.listAgents()).toMatchObject([{ id: "a" }, { id: "b" }]);
    expect(fake.requests.every((request) => request.headers.host === new URL(fake.url).host)).toBe(true);
  });
});

describe("HCP Terraform by notifications alone", () => {
  const config = {
    type: "hcp-terraform",
    organization: "acme",
    agentPool: "aws",
    address: "http://127.0.0.1:1",
    demand: "notifications",
  } as const;
  const updatedAt = new Date("2026-01-01T12:00:00.000Z");
  const seenRun = (runId: string, workspaceId: string, status: string): SeenRun => ({
    runId,
    workspaceId,
    status,
    updatedAt,
    final: false,
    rank: 0,
  });
  const withLedger = (...open: SeenRun[]) =>
    createHcpTerraform(config, {
      clock: createFakeClock(),
      readToken: () => Promise.reject(new Error("no token is needed")),
      ledger: { record: () => Promise.resolve(true), listOpen: () => Promise.resolve(open) },
    });

  it("counts the workspaces of the runs it was told of, without a token or a call", async () => {
    const vendor = withLedger(
      seenRun("run-1", "ws-1", "pending"),
      seenRun("run-2", "ws-1", "pending"),
      seenRun("run-3", "ws-2", "applying"),
      seenRun("run-4", "ws-3", "planned"),
    );
    expect(await vendor.readDemand()).toEqual({ queued: 1, running: 1, oldestQueuedAt: updatedAt });
  });

  it("cannot see agents, and says so", async () => {
    expect(await withLedger().listAgents()).toBeUndefined();
    await withLedger().removeAgent("agent-1");
  });

  it("does not start without a ledger", () => {
    expect(() => createHcpTerraform(config, { clock: createFakeClock(), readToken })).toThrow("needs a run ledger");
  });
});
