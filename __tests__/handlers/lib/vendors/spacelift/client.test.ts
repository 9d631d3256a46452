import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinAgents } from "../../../../../handlers/lib/core/agents.ts";
import type { CapacityMember } from "../../../../../handlers/lib/core/ports.ts";
import { createSpacelift } from "../../../../../handlers/lib/vendors/spacelift/client.ts";
import { vendorAgent } from "../../../../../handlers/lib/vendors/spacelift/worker.ts";
import { asks, instance, startAccount, workerPoolId } from "./account.ts";

const member = (id: string): CapacityMember => ({
  id,
  agentName: id,
  role: "floor",
  phase: "running",
  launchedAt: new Date("2026-01-01T00:00:00Z"),
});

describe("spacelift", () => {
  it("tells queued runs of the pool and workers that have one", async () => {
    const { pool, state, runtime, deps } = await startAccount();
    pool.pendingRuns = 3;
    state.startRun(state.addWorker(pool, instance(1)));
    state.addWorker(pool, instance(2));
    state.addWorker(pool, instance(3), { busy: true, drained: true });
    expect(await createSpacelift(runtime, deps).readDemand()).toEqual({ queued: 3, running: 2 });
  });

  it("counts a worker that is not said to be free as one with a run", async () => {
    const { fake, runtime, deps } = await startAccount();
    const workerPool = { pendingRuns: 0, workers: [{ busy: false }, { busy: null }, {}, { busy: "soon" }] };
    fake.fail({ when: asks("workerPool"), answer: { status: 200, json: { data: { workerPool } } } });
    expect(await createSpacelift(runtime, deps).readDemand()).toEqual({ queued: 0, running: 3 });
  });

  it("names agents by their instance, and tells since when they are idle", async () => {
    const { pool, state, runtime, deps, clock } = await startAccount();
    const { id } = state.addWorker(pool, instance(1));
    const busy = state.addWorker(pool, instance(2));
    state.startRun(busy);
    expect(await createSpacelift(runtime, deps).listAgents()).toEqual([
      { id, name: instance(1), state: "idle", idleSince: clock.now() },
      { id: busy.id, name: instance(2), state: "busy" },
    ]);
  });

  it.each(["yesterday", -1, 1e300, null])("knows no idle time from availableAt %s", async (availableAt) => {
    const { pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, instance(1), { availableAt });
    expect(await createSpacelift(runtime, deps).listAgents()).toMatchObject([{ state: "idle", idleSince: undefined }]);
  });

  /** What a worker may say of itself without saying on which machine it runs. */
  const garbage: readonly (readonly [string, unknown])[] = [
    ["nothing at all", undefined],
    ["null", null],
    ["a number", 7],
    ["an empty text", ""],
    ["half of a text", "{"],
    ["a text that is null", "null"],
    ["a list", "[]"],
    ["an id and no object", JSON.stringify(instance(1))],
    ["an empty object", "{}"],
    ["another key", JSON.stringify({ asg_id: "ci", instanceId: instance(1) })],
    ["an empty id", JSON.stringify({ asg_id: "ci", instance_id: "" })],
    ["null as id", JSON.stringify({ asg_id: "ci", instance_id: null })],
    ["a number as id", JSON.stringify({ asg_id: "ci", instance_id: 7 })],
    ["an object as id", JSON.stringify({ asg_id: "ci", instance_id: { id: instance(1) } })],
    ["None as id", JSON.stringify({ asg_id: "ci", instance_id: "None" })],
    ["a page as id", JSON.stringify({ asg_id: "ci", instance_id: "<html></html>" })],
    ["an id with a line break", JSON.stringify({ asg_id: "ci", instance_id: `${instance(1)}\n` })],
    ["an id that is too short", JSON.stringify({ asg_id: "ci", instance_id: "i-1" })],
    ["no group", JSON.stringify({ instance_id: "" })],
    ["an empty group", JSON.stringify({ asg_id: "", instance_id: "" })],
    ["an object as group", JSON.stringify({ asg_id: {}, instance_id: "" })],
    ["a page as group", JSON.stringify({ asg_id: "<html></html>", instance_id: "" })],
  ];

  it.each(
    garbage,
  )("a busy worker that says %s of itself is unmatched: it may run on a machine of ours", async (_, metadata) => {
    const { pool, state, runtime, deps } = await startAccount();
    const { id } = state.addWorker(pool, instance(1), { busy: true, metadata });
    const agents = await createSpacelift(runtime, deps).listAgents();
    expect(agents).toEqual([{ id, name: id, state: "busy", unmatched: true }]);
  });

  it.each([
    ["its name", "other"],
    ["its ARN", "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/other"],
  ])("a worker that names another group by %s is foreign, whatever instance it names", async (_, group) => {
    const { pool, state, runtime, deps } = await startAccount();
    const of = (id: unknown) => ({ metadata: JSON.stringify({ asg_id: group, instance_id: id }) });
    const foreign = [state.addWorker(pool, "", of("")), state.addWorker(pool, "", of(instance(1)))];
    const agents = await createSpacelift(runtime, deps).listAgents();
    expect(agents).toMatchObject(foreign.map(({ id }) => ({ id, name: id, state: "idle" })));
    expect(agents?.map(({ unmatched }) => unmatched)).toEqual([undefined, undefined]);
  });

  it.each([
    ["its name", "ci"],
    ["its ARN", "arn:aws-us-gov:autoscaling:us-gov-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/ci"],
  ])("a worker that names our group by %s is ours", async (_, group) => {
    const { pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, "", { metadata: JSON.stringify({ asg_id: group, instance_id: instance(1) }) });
    expect(await createSpacelift(runtime, deps).listAgents()).toMatchObject([{ name: instance(1), state: "idle" }]);
  });

  it("defect 2: no odd worker spoils the list", async () => {
    const { pool, state, runtime, deps } = await startAccount();
    for (const [, metadata] of garbage) state.addWorker(pool, "", { metadata });
    state.addWorker(pool, instance(1));
    const agents = (await createSpacelift(runtime, deps).listAgents()) ?? [];
    const roster = joinAgents({
      members: [member(instance(1))],
      vendorAgents: agents,
      retiring: new Set(),
      missingSince: new Map(),
      namePrefix: "ci_",
      registrationGraceSeconds: 300,
      now: new Date("2026-01-01T00:01:00Z"),
    });
    expect(agents).toHaveLength(garbage.length + 1);
    expect(roster).toMatchObject({ agents: [{ name: instance(1), state: "idle" }], orphans: [] });
  });

  it("defect 3: a worker that is drained and busy stays in the picture and is never stopped as unregistered", async () => {
    const { pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, instance(1), { busy: true, drained: true });
    const roster = joinAgents({
      members: [member(instance(1))],
      vendorAgents: await createSpacelift(runtime, deps).listAgents(),
      retiring: new Set(),
      missingSince: new Map(),
      namePrefix: "ci_",
      registrationGraceSeconds: 300,
      now: new Date("2026-01-02T00:00:00Z"),
    });
    expect(roster.agents).toMatchObject([{ name: instance(1), state: "retiring", drained: true }]);
  });

  it("takes no worker for idle that is not said to be neither busy nor drained", () => {
    const anything = fc.constantFrom(undefined, null, 0, "", "false", true, false, {});
    fc.assert(
      fc.property(anything, anything, (busy, drained) => {
        const { state } = vendorAgent({ id: "w", busy, drained, metadata: "{}", availableAt: null }, { group: "ci" });
        expect(state === "idle").toBe(busy === false && drained === false);
        expect(state === "draining").toBe(drained === true);
      }),
    );
  });

  it("asks a server that knows no availableAt without it, and from then on", async () => {
    const { pool, state, runtime, deps, operations } = await startAccount();
    state.tellsIdleTimes = false;
    state.addWorker(pool, instance(1));
    const vendor = createSpacelift(runtime, deps);
    const agents = [{ name: instance(1), state: "idle", idleSince: undefined }];
    expect(await vendor.listAgents()).toMatchObject(agents);
    expect(operations()).toEqual(["apiKeyUser", "workerPool", "workerPool"]);
    expect(await vendor.listAgents()).toMatchObject(agents);
    expect(operations()).toHaveLength(4);
  });

  it("does the same where the server says it by a status", async () => {
    const { fake, pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, instance(1));
    const when = ({ body }: { readonly body: Buffer }) => body.includes("availableAt");
    fake.fail({ when, answer: { status: 422, json: { errors: [{ message: 'no field "availableAt"' }] } } });
    const agents = await createSpacelift(runtime, deps).listAgents();
    expect(agents).toMatchObject([{ name: instance(1), state: "idle" }]);
    expect(agents?.[0]?.idleSince).toBeUndefined();
  });

  it("does not take another refusal for an old server", async () => {
    const { fake, pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, instance(1));
    const when = ({ body }: { readonly body: Buffer }) => body.includes("availableAt");
    fake.fail({ times: 1, when, answer: { status: 200, json: { errors: [{ message: "try again" }] } } });
    const vendor = createSpacelift(runtime, deps);
    await expect(vendor.listAgents()).rejects.toThrow("try again");
    expect((await vendor.listAgents())?.[0]?.idleSince).toBeInstanceOf(Date);
  });

  it("does not take an outage for an old server", async () => {
    const { fake, pool, state, runtime, deps } = await startAccount();
    state.addWorker(pool, instance(1));
    const vendor = createSpacelift(runtime, deps);
    fake.fail({ answer: { status: 503 } });
    await expect(vendor.listAgents()).rejects.toMatchObject({ kind: "unavailable" });
    fake.clearFaults();
    expect((await vendor.listAgents())?.[0]?.idleSince).toBeInstanceOf(Date);
  });

  it("says clearly that there is no such pool, or that the key may not see it", async () => {
    const { pool, state, runtime, deps } = await startAccount();
    state.pools.delete(pool.id);
    const vendor = createSpacelift(runtime, deps);
    for (const read of [vendor.readDemand, vendor.listAgents]) {
      await expect(read()).rejects.toMatchObject({
        kind: "not-found",
        message: expect.stringContaining(
          `worker pool ${workerPoolId} at ${runtime.endpoint} does not exist, or the API key may not see it`,
        ),
      });
    }
  });

  it("tells what Spacelift said was wrong, in one short line", async () => {
    const { fake, runtime, deps } = await startAccount();
    const errors = [{ message: "something\n  odd" }, { message: "x".repeat(1000) }];
    fake.fail({ when: asks("workerPool"), answer: { status: 200, json: { data: null, errors } } });
    const failure = await createSpacelift(runtime, deps)
      .readDemand()
      .catch((error: Error) => error.message);
    expect(failure).toMatch(/^count of runs: refused: something odd; x+$/);
    expect(String(failure).length).toBeLessThan(400);
  });

  it("tells it too where the answer is an error by its status", async () => {
    const { fake, runtime, deps } = await startAccount();
    fake.fail({ when: asks("workerPool"), answer: { status: 400, json: { errors: [{ message: "odd id" }] } } });
    await expect(createSpacelift(runtime, deps).readDemand()).rejects.toMatchObject({
      kind: "invalid",
      message: "count of runs: answered 400: odd id",
    });
  });

  it("sends values as variables, never in the query", async () => {
    const { fake, runtime, deps, state } = await startAccount();
    const odd = '") { id } } mutation { x(id: "';
    state.addPool(odd);
    await createSpacelift({ ...runtime, workerPoolId: odd }, deps).listAgents();
    for (const { body } of fake.requests) {
      const { query } = JSON.parse(body.toString());
      for (const value of [odd, state.keyId, state.secret]) expect(query).not.toContain(value);
    }
  });

  it("defect 9: no call waits longer than its timeout, nor beyond the deadline, and repeats are spaced out", async () => {
    const { fake, runtime, deps, clock } = await startAccount();
    fake.fail({ when: asks("workerPool"), answer: "hang" });
    // Only what hangs runs out of time: on a slow machine the session takes as long as it takes.
    const patient: typeof fetch = (url, init) =>
      fetch(url, String(init?.body).includes("apiKeyUser") ? { ...init, signal: null } : init);
    const vendor = createSpacelift(runtime, { ...deps, fetch: patient, timeoutMilliseconds: 50 });
    await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "timeout" });
    expect(clock.sleeps).toHaveLength(3);
    expect(Math.min(...clock.sleeps)).toBeGreaterThan(0);

    const deadline = () => new Date(clock.now().getTime() - 1);
    await expect(createSpacelift(runtime, { ...deps, deadline }).readDemand()).rejects.toMatchObject({
      kind: "timeout",
    });
  });

  it("defect 9: a list without end is cut off", async () => {
    const { fake, runtime, deps } = await startAccount();
    fake.fail({ when: asks("workerPool"), answer: { status: 200, text: " ".repeat(11 * 1024 * 1024) } });
    await expect(createSpacelift(runtime, deps).listAgents()).rejects.toMatchObject({
      kind: "malformed",
      message: expect.stringMatching(/^list of workers: answered more than \d+ bytes$/),
    });
  });
});
