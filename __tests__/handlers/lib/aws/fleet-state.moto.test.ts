import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createLease, createNotebook } from "../../../../handlers/lib/aws/fleet-state.ts";
import type { Lease } from "../../../../handlers/lib/core/ports.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { hasMoto, type Moto, startMoto } from "../../../fakes/moto.ts";

const moto = hasMoto();
if (!moto) process.stderr.write("SKIPPED: the state of a fleet in DynamoDB, because moto_server is not on the PATH\n");

/**
 * Each write of DynamoDB is atomic and sees the newest version of the item. moto is not so: it checks the condition of
 * one write while another is between its check and its change.
 *
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BestPractices_ImplementingVersionControl.html
 */
const oneByOne = { httpAgent: { maxSockets: 1 } };

describe.skipIf(!moto)("the state of a fleet in DynamoDB (moto)", () => {
  let server: Moto;
  let dynamodb: DynamoDBClient;
  let table: string;
  let clock: FakeClock;
  let made = 0;

  beforeAll(async () => {
    server = await startMoto();
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    dynamodb = new DynamoDBClient({ endpoint: server.url, region: "us-east-1", credentials, requestHandler: oneByOne });
  });

  afterAll(() => server?.close());

  beforeEach(async () => {
    made += 1;
    table = `ci-${made}-state`;
    clock = createFakeClock();
    await dynamodb.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
      }),
    );
  });

  const lease = (owner?: string): Lease => createLease({ table, dynamodb, clock }, owner);

  const schedule = { by: "schedule" } as const;
  const webhook = { by: "webhook" } as const;
  const messageFor = (dueAt: Date) => ({ by: "message", dueAt }) as const;
  const inSeconds = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000);

  it("one of many webhooks that call at once gets the lease, and looks again for the others, once", async () => {
    const passes = Array.from({ length: 8 }, () => lease());
    const got = await Promise.all(passes.map((pass) => pass.acquire(webhook)));
    expect(got.filter(Boolean)).toEqual([{ wokenAt: clock.now() }]);
    const holder = passes[got.findIndex(Boolean)];
    expect(await holder?.release(undefined)).toBe(false);
    expect(await holder?.renew()).toBe(true);
    expect(await holder?.release(undefined)).toBe(true);
  });

  it("is had again after it was given back, and who called in vain before that is no call any more", async () => {
    const [first, second] = [lease(), lease()];
    await first.acquire(schedule);
    expect(await second.acquire(schedule)).toBeUndefined();
    expect(await first.release(undefined)).toBe(true);
    expect(await second.acquire(schedule)).toEqual({ wokenAt: undefined });
    expect(await first.renew()).toBe(false);
    expect(await first.release(inSeconds(5))).toBe(true);
    expect(await second.renew()).toBe(true);
    expect(await second.release(undefined)).toBe(true);
  });

  it("remembers when a webhook last called, whether it called in vain or not", async () => {
    const [holder, other] = [lease(), lease()];
    await holder.acquire(webhook);
    clock.advance(2_000);
    await other.acquire(webhook);
    const called = clock.now();
    clock.advance(3_000);
    await holder.release(undefined);
    await holder.release(undefined);
    expect(await other.acquire(schedule)).toEqual({ wokenAt: called });
  });

  it("is had by the message for the look that is to come, once, however often and late it comes", async () => {
    const [holder, other] = [lease(), lease()];
    const dueAt = inSeconds(10);
    await holder.acquire(schedule);
    expect(await other.acquire(messageFor(dueAt))).toBeUndefined();
    await holder.release(dueAt);
    expect(await other.acquire(messageFor(inSeconds(9)))).toBeUndefined();
    clock.advance(15_000);
    expect(await other.acquire(messageFor(dueAt))).toBeDefined();
    expect(await holder.acquire(messageFor(dueAt))).toBeUndefined();
    expect(await other.release(undefined)).toBe(true);
    expect(await holder.acquire(messageFor(dueAt))).toBeUndefined();
  });

  it("is had by no schedule while a look is to come, by each once that is overdue, and by webhooks always", async () => {
    const pass = lease();
    await pass.acquire(schedule);
    await pass.release(inSeconds(10));
    expect(await pass.acquire(schedule)).toBeUndefined();
    clock.advance(10_000);
    expect(await pass.acquire(schedule)).toBeDefined();
    const dueAt = inSeconds(10);
    await pass.release(dueAt);
    expect(await pass.acquire(webhook)).toBeDefined();
    await pass.release(inSeconds(20));
    expect(await pass.acquire(messageFor(dueAt))).toBeUndefined();
    expect(await pass.acquire(messageFor(inSeconds(20)))).toBeDefined();
  });

  it("ends by itself when its holder dies, and the holder finds out when it wakes up", async () => {
    const [dead, next] = [lease(), lease()];
    await dead.acquire(schedule);
    clock.advance(60_000);
    expect(await next.acquire(schedule)).toBeUndefined();
    clock.advance(31_000);
    expect(await next.acquire(schedule)).toBeDefined();
    expect(await dead.renew()).toBe(false);
    await dead.release(undefined);
    expect(await next.renew()).toBe(true);
  });

  it("lasts as long as it is renewed, and the same container may take it again at once", async () => {
    const [holder, other] = [lease("one"), lease("two")];
    await holder.acquire(schedule);
    for (let looks = 0; looks < 20; looks += 1) {
      clock.advance(30_000);
      expect(await holder.renew()).toBe(true);
      expect(await other.acquire(schedule)).toBeUndefined();
    }
    expect(await lease("one").acquire(schedule)).toBeDefined();
  });

  it("keeps documents by name for the next container, and none where nobody wrote one", async () => {
    const [loop, capacity] = ["loop ci", "capacity ci"].map((name) => createNotebook(name, { table, dynamodb, clock }));
    expect(await loop?.read()).toBeUndefined();
    await loop?.write({ recentlyWanted: [1, 2] });
    await capacity?.write({ launched: "é" });
    expect(await createNotebook("loop ci", { table, dynamodb, clock }).read()).toEqual({ recentlyWanted: [1, 2] });
    expect(await capacity?.read()).toEqual({ launched: "é" });
    await lease().acquire(schedule);
    expect(await loop?.read()).toEqual({ recentlyWanted: [1, 2] });
  });

  it("throws where the table cannot be reached: nobody may act without the lease", async () => {
    const lost = createLease({ table: "ci-0-state", dynamodb, clock });
    await expect(lost.acquire(schedule)).rejects.toThrow();
    await expect(lost.renew()).rejects.toThrow();
  });
});
