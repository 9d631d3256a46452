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

  it("one of many that ask at once gets the lease, and the others leave word", async () => {
    const passes = Array.from({ length: 8 }, () => lease());
    const got = await Promise.all(passes.map((pass) => pass.acquire()));
    expect(got.filter(Boolean)).toHaveLength(1);
    const holder = passes[got.indexOf(true)];
    expect(await holder?.renew()).toEqual({ calledAt: clock.now() });
  });

  it("is had again after it was given back, and nobody who came in vain before that is remembered", async () => {
    const [first, second] = [lease(), lease()];
    await first.acquire();
    expect(await second.acquire()).toBe(false);
    await first.release();
    expect(await second.acquire()).toBe(true);
    expect(await second.renew()).toEqual({ calledAt: undefined });
    expect(await first.renew()).toBeUndefined();
  });

  it("ends by itself when its holder dies, and the holder finds out when it wakes up", async () => {
    const [dead, next] = [lease(), lease()];
    await dead.acquire();
    clock.advance(60_000);
    expect(await next.acquire()).toBe(false);
    clock.advance(31_000);
    expect(await next.acquire()).toBe(true);
    expect(await dead.renew()).toBeUndefined();
    await dead.release();
    expect(await next.renew()).toBeDefined();
  });

  it("lasts as long as it is renewed, and the same container may take it again at once", async () => {
    const [holder, other] = [lease("one"), lease("two")];
    await holder.acquire();
    for (let ticks = 0; ticks < 20; ticks += 1) {
      clock.advance(30_000);
      expect(await holder.renew()).toBeDefined();
      expect(await other.acquire()).toBe(false);
    }
    expect(await lease("one").acquire()).toBe(true);
  });

  it("keeps documents by name for the next container, and none where nobody wrote one", async () => {
    const [loop, capacity] = ["loop ci", "capacity ci"].map((name) => createNotebook(name, { table, dynamodb, clock }));
    expect(await loop?.read()).toBeUndefined();
    await loop?.write({ recentlyWanted: [1, 2] });
    await capacity?.write({ launched: "é" });
    expect(await createNotebook("loop ci", { table, dynamodb, clock }).read()).toEqual({ recentlyWanted: [1, 2] });
    expect(await capacity?.read()).toEqual({ launched: "é" });
    await lease().acquire();
    expect(await loop?.read()).toEqual({ recentlyWanted: [1, 2] });
  });

  it("throws where the table cannot be reached: nobody may act without the lease", async () => {
    const lost = createLease({ table: "ci-0-state", dynamodb, clock });
    await expect(lost.acquire()).rejects.toThrow();
    await expect(lost.renew()).rejects.toThrow();
  });
});
