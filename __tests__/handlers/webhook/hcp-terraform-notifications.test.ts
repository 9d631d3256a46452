import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SeenRun } from "../../../handlers/lib/core/ports.ts";
import { supersedes } from "../../../handlers/lib/core/run-order.ts";
import { createRunLedgerFake } from "../../fakes/run-ledger.ts";
import { createWebhook, notification, runBody } from "./harness.ts";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

async function send(...events: Parameters<typeof runBody>[0]) {
  const webhook = createWebhook({ ledger: true });
  const { statusCode } = await webhook.send(notification(runBody(events)));
  return { statusCode, wakes: webhook.wakeUp.count, run: webhook.ledger.runs.get("run-1"), now: webhook.clock.now() };
}

describe("messages that are no news of a run", () => {
  const verification = {
    ...runBody([{ trigger: "verification", run_status: null, run_updated_at: null }]),
    run_id: null,
    workspace_id: null,
    run_url: null,
  };

  it.each([
    ["the verification handshake", verification],
    ["an assessment", { payload_version: 2, trigger: "assessment:drifted", details: {} }],
    ["a workspace event", { payload_version: 2, trigger: "workspace:auto_destroy_reminder" }],
    ["no notifications at all", { payload_version: 1, notifications: [] }],
    ["an unknown trigger", runBody([{ trigger: "team:created", run_status: "pending" }])],
  ])("answers 200 to %s, wakes nobody and records nothing", async (_, body) => {
    const webhook = createWebhook({ ledger: true });
    expect(await webhook.send(notification(body))).toEqual({ statusCode: 200, body: "" });
    expect(webhook.wakeUp.count).toBe(0);
    expect(webhook.ledger.runs.size).toBe(0);
  });
});

describe("news of a run", () => {
  it.each([
    ["run:created", "pending", false],
    ["run:planning", "planning", false],
    ["run:needs_attention", "planned", false],
    ["run:needs_attention", "policy_override", false],
    ["run:applying", "applying", false],
    ["run:completed", "planned_and_finished", true],
    ["run:completed", "applied", true],
    ["run:errored", "errored", true],
    ["run:errored", "canceled", true],
    ["run:errored", "force_canceled", true],
    ["run:errored", "discarded", true],
    ["run:errored", "policy_soft_failed", true],
    ["run:planning", "a_status_of_tomorrow", false],
  ])("defect 2: %s with status %s is recorded, final: %s", async (trigger, run_status, final) => {
    const { statusCode, wakes, run } = await send({ trigger, run_status, run_updated_at: at(7) });
    expect(statusCode).toBe(200);
    expect(wakes).toBe(1);
    expect(run).toMatchObject({
      runId: "run-1",
      workspaceId: "ws-1",
      status: run_status,
      final,
      updatedAt: new Date(at(7)),
    });
  });

  it("takes every element, and keeps the latest in whatever order they stand", async () => {
    const planning = { trigger: "run:planning", run_status: "planning", run_updated_at: at(2) };
    const created = { trigger: "run:created", run_status: "pending", run_updated_at: at(1) };
    expect((await send(planning, created)).run?.status).toBe("planning");
    expect((await send(created, planning)).run?.status).toBe("planning");
  });

  it.each([undefined, null, "", "yesterday", "2026-13-45"])("uses the present where the time is %j", async (time) => {
    const event = { trigger: "run:created", run_status: "pending" };
    const { run, now } = await send(time === undefined ? event : { ...event, run_updated_at: time });
    expect(run?.updatedAt).toEqual(now);
  });

  it("wakes the loop but records nothing where run, workspace or status are missing", async () => {
    const { wakes, run } = await send({ trigger: "run:created", run_status: null });
    expect(wakes).toBe(1);
    expect(run).toBeUndefined();
  });
});

describe("words of any length", () => {
  const created = { trigger: "run:created", run_status: "pending", run_updated_at: at(1) };
  const long = "x".repeat(200_000);

  it.each([
    ["run id", runBody([created], { run_id: long, workspace_id: "ws-1" })],
    ["run id in wide characters", runBody([created], { run_id: "\u{1F600}".repeat(600), workspace_id: "ws-1" })],
    ["workspace id", runBody([created], { run_id: "run-1", workspace_id: long })],
    ["status", runBody([{ ...created, run_status: long }])],
    ["run id with half a character", runBody([created], { run_id: "run-\uD800", workspace_id: "ws-1" })],
    ["run id with a NUL", runBody([created], { run_id: "run-\0", workspace_id: "ws-1" })],
    ["run id that is a number", { ...runBody([created]), run_id: 7 }],
  ])("a %s that no run has wakes the loop and fails nothing", async (_, body) => {
    const webhook = createWebhook({ ledger: true });
    expect((await webhook.send(notification(body))).statusCode).toBe(200);
    expect(webhook.wakeUp.count).toBe(1);
    expect(webhook.ledger.runs.size).toBe(0);
  });

  it("never fail the webhook, and never lose the news beside them", async () => {
    const wild = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: "binary" }),
      fc.nat(5000).map((length) => "y".repeat(length)),
    );
    const bad = fc.oneof(
      wild,
      fc.record({ trigger: fc.oneof(fc.constant("run:planning"), wild), run_status: wild, run_updated_at: wild }),
    );
    const elements = fc.tuple(fc.array(bad, { maxLength: 3 }), fc.array(bad, { maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(elements, async ([before, after]) => {
        const webhook = createWebhook({ ledger: true });
        const done = { trigger: "run:completed", run_status: "applied", run_updated_at: at(2) };
        const body = { ...runBody([]), notifications: [...before, done, ...after] };
        expect((await webhook.send(notification(body))).statusCode).toBe(200);
        expect(webhook.ledger.runs.get("run-1")?.final).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("write a run once, however many elements its message has", async () => {
    const webhook = createWebhook({ ledger: true });
    let writes = 0;
    const { record } = webhook.ledger;
    webhook.ledger.record = (seenRun) => {
      writes += 1;
      return record(seenRun);
    };
    await webhook.send(notification(runBody(Array.from({ length: 500 }, () => created))));
    expect(writes).toBe(1);
  });
});

describe("defect 2: lost, repeated and reordered notifications", () => {
  const life = [
    { trigger: "run:created", run_status: "pending", run_updated_at: at(1) },
    { trigger: "run:planning", run_status: "planning", run_updated_at: at(1) },
    { trigger: "run:needs_attention", run_status: "planned", run_updated_at: at(5) },
    { trigger: "run:applying", run_status: "applying", run_updated_at: at(5) },
    { trigger: "run:completed", run_status: "applied", run_updated_at: at(5) },
  ];

  it("end in the state of the latest that arrived", async () => {
    const deliveries = fc.array(fc.nat(life.length - 1), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(deliveries, async (order) => {
        const webhook = createWebhook({ ledger: true });
        for (const index of order) await webhook.send(notification(runBody(life.slice(index, index + 1))));
        const latest = life[Math.max(...order)];
        expect([...webhook.ledger.runs.values()].map(({ status }) => status)).toEqual([latest?.run_status]);
        expect(await webhook.ledger.listOpen()).toHaveLength(latest?.run_status === "applied" ? 0 : 1);
      }),
      { numRuns: 60 },
    );
  });

  const seenRun: fc.Arbitrary<SeenRun> = fc.record(
    {
      runId: fc.constantFrom("run-1", "run-2"),
      workspaceId: fc.constant("ws-1"),
      status: fc.constantFrom("a", "b", "c"),
      updatedAt: fc.nat(3).map((ms) => new Date(ms)),
      final: fc.boolean(),
      rank: fc.nat(2),
    },
    { noNullPrototype: true },
  );

  it("end in the same ledger whatever the seen runs are", async () => {
    const pair = fc
      .array(seenRun, { maxLength: 8 })
      .chain((once) =>
        fc.tuple(fc.constant(once), fc.shuffledSubarray([...once, ...once], { minLength: once.length * 2 })),
      );
    await fc.assert(
      fc.asyncProperty(pair, async ([once, shuffledTwice]) => {
        const [one, other] = [createRunLedgerFake(), createRunLedgerFake()];
        for (const each of once) await one.record(each);
        for (const each of shuffledTwice) await other.record(each);
        expect(other.runs).toEqual(one.runs);
      }),
    );
  });

  it("are put in order by a strict total order, in which nothing open follows a final status", () => {
    fc.assert(
      fc.property(seenRun, seenRun, seenRun, (a, b, c) => {
        const same = a.final === b.final && +a.updatedAt === +b.updatedAt && a.rank === b.rank && a.status === b.status;
        expect(Number(supersedes(a, b)) + Number(supersedes(b, a))).toBe(same ? 0 : 1);
        if (supersedes(a, b) && supersedes(b, c)) expect(supersedes(a, c)).toBe(true);
        if (b.final && !a.final) expect(supersedes(a, b)).toBe(false);
      }),
    );
  });
});
