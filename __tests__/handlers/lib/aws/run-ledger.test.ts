import { CreateTableCommand, DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRunLedger } from "../../../../handlers/lib/aws/run-ledger.ts";
import type { SeenRun } from "../../../../handlers/lib/core/ports.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { startHttpFake } from "../../../fakes/http-fake.ts";
import { hasMoto, type Moto, startMoto } from "../../../fakes/moto.ts";
import { createRunLedgerFake } from "../../../fakes/run-ledger.ts";

const table = "ci-runs";
const runTtlSeconds = 3600;

const clientAt = (endpoint: string) =>
  new DynamoDBClient({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });

function seenRun(changes: Partial<SeenRun> = {}): SeenRun {
  return {
    runId: "run-1",
    workspaceId: "ws-1",
    status: "planning",
    updatedAt: new Date("2026-01-01T00:00:00.123Z"),
    final: false,
    rank: 8,
    ...changes,
  };
}

describe("the run ledger's calls", () => {
  it("read all pages, consistently, and only what is open and has not expired", async () => {
    const item = (runId: string) => ({
      runId: { S: runId },
      workspaceId: { S: "ws-1" },
      status: { S: "planning" },
      updatedAt: { N: String(seenRun().updatedAt.getTime()) },
      final: { BOOL: false },
      rank: { N: "8" },
    });
    const aws = await startHttpFake(({ body }) => {
      const second = String(body).includes("ExclusiveStartKey");
      const page = second
        ? { Items: [item("run-2")] }
        : { Items: [item("run-1")], LastEvaluatedKey: { runId: { S: "run-1" } } };
      return { status: 200, json: page };
    });
    try {
      const clock = createFakeClock(new Date(1_700_000_000_999));
      const ledger = createRunLedger({ table, runTtlSeconds }, { dynamodb: clientAt(aws.url), clock });
      expect(await ledger.listOpen()).toEqual([seenRun(), seenRun({ runId: "run-2" })]);
      expect(JSON.parse(String(aws.requests[0]?.body))).toMatchObject({
        TableName: table,
        ConsistentRead: true,
        ExpressionAttributeValues: { ":now": { N: "1700000000" } },
      });
    } finally {
      await aws.close();
    }
  });

  it.each([
    ["just older than a run counts", runTtlSeconds * 1000, false, 0],
    ["a year old", 365 * 24 * 3_600_000, false, 0],
    ["just young enough", runTtlSeconds * 1000 - 1, false, 1],
    ["final, whatever its age", 365 * 24 * 3_600_000, true, 1],
  ])("write no news of an open run that somebody sends again: %s", async (_, age, final, writes) => {
    const aws = await startHttpFake(() => ({ status: 200, json: {} }));
    try {
      const clock = createFakeClock();
      const ledger = createRunLedger({ table, runTtlSeconds }, { dynamodb: clientAt(aws.url), clock });
      const updatedAt = new Date(clock.now().getTime() - age);
      expect(await ledger.record(seenRun({ updatedAt, final }))).toBe(writes === 1);
      expect(aws.requests).toHaveLength(writes);
    } finally {
      await aws.close();
    }
  });

  it("remember an end longer than any news of its run may count", async () => {
    const aws = await startHttpFake(() => ({ status: 200, json: {} }));
    try {
      const clock = createFakeClock();
      const sevenDays = 604_800;
      const ledger = createRunLedger({ table, runTtlSeconds: sevenDays }, { dynamodb: clientAt(aws.url), clock });
      await ledger.record(seenRun({ final: true }));
      const expiresAt = Math.floor(clock.now().getTime() / 1000) + sevenDays;
      expect(JSON.parse(String(aws.requests[0]?.body)).Item.expiresAt).toEqual({ N: String(expiresAt) });
    } finally {
      await aws.close();
    }
  });

  it("fail when DynamoDB does", async () => {
    const aws = await startHttpFake(() => ({ status: 400, json: { __type: "ResourceNotFoundException" } }));
    try {
      const ledger = createRunLedger(
        { table, runTtlSeconds },
        { dynamodb: clientAt(aws.url), clock: createFakeClock() },
      );
      await expect(ledger.record(seenRun())).rejects.toThrow();
      await expect(ledger.listOpen()).rejects.toThrow();
    } finally {
      await aws.close();
    }
  });
});

const moto = hasMoto();
if (!moto) process.stderr.write("SKIPPED: the run ledger on DynamoDB, because moto_server is not on the PATH\n");

describe.skipIf(!moto)("the run ledger on DynamoDB (moto)", () => {
  let server: Moto;
  let dynamodb: DynamoDBClient;
  let tables = 0;

  beforeAll(async () => {
    server = await startMoto();
    dynamodb = clientAt(server.url);
  });

  afterAll(async () => {
    dynamodb?.destroy();
    await server?.close();
  });

  async function setUp() {
    tables += 1;
    const name = `${table}-${tables}`;
    await dynamodb.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "runId", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "runId", KeyType: "HASH" }],
      }),
    );
    const clock = createFakeClock();
    const ledger = createRunLedger({ table: name, runTtlSeconds }, { dynamodb, clock });
    const stored = async (runId = "run-1") => {
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName: name, Key: { runId: { S: runId } } }));
      return Item;
    };
    return { clock, ledger, stored };
  }

  const later = new Date("2026-01-01T00:00:01.000Z");
  const earlier = new Date("2025-12-31T23:59:59.000Z");

  it("stores a seen run and gives it back", async () => {
    const { ledger, stored, clock } = await setUp();
    expect(await ledger.record(seenRun())).toBe(true);
    expect(await ledger.listOpen()).toEqual([seenRun()]);
    const expiresAt = Math.floor(clock.now().getTime() / 1000) + runTtlSeconds;
    expect((await stored())?.expiresAt).toEqual({ N: String(expiresAt) });
  });

  it.each<[string, Partial<SeenRun>, boolean]>([
    ["the same again", {}, false],
    ["a later one", { updatedAt: later, rank: 0 }, true],
    ["an earlier one", { updatedAt: earlier, rank: 99 }, false],
    ["a later stage of the same instant", { status: "applying", rank: 25 }, true],
    ["an earlier stage of the same instant", { status: "pending", rank: 0 }, false],
    ["a final one of the same instant", { status: "applied", final: true, rank: 26 }, true],
    ["a final one that seems older", { status: "applied", final: true, rank: 26, updatedAt: earlier }, true],
  ])("defect 2: after a seen run, takes %s: %j %s", async (_, changes, taken) => {
    const { ledger, stored } = await setUp();
    await ledger.record(seenRun());
    expect(await ledger.record(seenRun(changes))).toBe(taken);
    expect((await stored())?.status).toEqual({ S: taken ? (changes.status ?? "planning") : "planning" });
  });

  it("defect 2: lets nothing open follow a final status, and forgets that only after a day", async () => {
    const { ledger, stored, clock } = await setUp();
    await ledger.record(seenRun({ status: "applied", final: true, rank: 26 }));
    expect(await ledger.record(seenRun({ updatedAt: later }))).toBe(false);
    expect(await ledger.listOpen()).toEqual([]);
    const expiresAt = Math.floor(clock.now().getTime() / 1000) + 24 * 3600;
    expect((await stored())?.expiresAt).toEqual({ N: String(expiresAt) });
  });

  it("defect 2: stops counting a run whose end was never told", async () => {
    const { ledger, clock } = await setUp();
    await ledger.record(seenRun());
    clock.advance(runTtlSeconds * 1000 - 1);
    expect(await ledger.listOpen()).toHaveLength(1);
    clock.advance(1_000);
    expect(await ledger.listOpen()).toEqual([]);
  });

  it("defect 2: agrees with the rule of the core, whatever arrives in whatever order", async () => {
    const { ledger, clock } = await setUp();
    const start = clock.now().getTime();
    const fake = createRunLedgerFake();
    const any = fc.record(
      {
        runId: fc.constantFrom("run-1", "run-2", "run-3"),
        workspaceId: fc.constant("ws-1"),
        status: fc.constantFrom("a", "b"),
        updatedAt: fc.nat(3).map((ms) => new Date(start + ms)),
        final: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
        rank: fc.nat(2),
      },
      { noNullPrototype: true },
    );
    for (const each of fc.sample(any, { numRuns: 120, seed: 3 })) {
      expect(await ledger.record(each)).toBe(await fake.record(each));
    }
    const byId = (a: SeenRun, b: SeenRun) => a.runId.localeCompare(b.runId);
    expect([...(await ledger.listOpen())].sort(byId)).toEqual([...(await fake.listOpen())].sort(byId));
  });

  it("defect 2: concurrent notifications end like any other order", async () => {
    const { ledger, stored } = await setUp();
    const life = ["pending", "planning", "planned", "applying"].map((status, rank) => seenRun({ status, rank }));
    await Promise.all([...life, ...life].map((each) => ledger.record(each)));
    expect((await stored())?.status).toEqual({ S: "applying" });
  });
});
