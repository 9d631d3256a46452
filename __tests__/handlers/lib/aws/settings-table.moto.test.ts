import { CreateTableCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createSettingsTable } from "../../../../handlers/lib/aws/settings-table.ts";
import type { FleetTable } from "../../../../scripts/cli/lib/fleet-table.ts";
import { putOverride, readRows, removeOverride } from "../../../../scripts/cli/lib/override-store.ts";
import { hasMoto, type Moto, startMoto } from "../../../fakes/moto.ts";

const moto = hasMoto();
if (!moto) process.stderr.write("SKIPPED: the settings of pools in DynamoDB, because moto_server is not on the PATH\n");

describe.skipIf(!moto)("the settings of pools in DynamoDB (moto)", () => {
  let server: Moto;
  let dynamodb: DynamoDBClient;
  let table: FleetTable;
  let made = 0;

  beforeAll(async () => {
    server = await startMoto();
    const env = { AWS_ENDPOINT_URL: server.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    dynamodb = new DynamoDBClient({ region: "us-east-1" });
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.close();
  });

  beforeEach(async () => {
    made += 1;
    table = { name: `ci-${made}-settings`, region: "us-east-1", stack: `ci-${made}` };
    await dynamodb.send(
      new CreateTableCommand({
        TableName: table.name,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: ["part", "id"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
        KeySchema: [
          { AttributeName: "part", KeyType: "HASH" },
          { AttributeName: "id", KeyType: "RANGE" },
        ],
      }),
    );
  });

  const put = (part: string, id: string, document?: string) =>
    dynamodb.send(
      new PutItemCommand({
        TableName: table.name,
        Item: { part: { S: part }, id: { S: id }, ...(document !== undefined && { document: { S: document } }) },
      }),
    );

  it("are read whole, over all pages, and one by one", async () => {
    // Three rows of 350 KB are more than a page of 1 MB.
    const keys = ["a", "b", "c", "d"];
    for (const key of keys) await put("pool", key, key.repeat(350_000));
    await put("override", "pause a", "{}");
    const settings = createSettingsTable({ table: table.name, dynamodb });
    const rows = await settings.readAll("pool");
    expect([...rows].map(([key, text]) => [key, text?.length])).toEqual(keys.map((key) => [key, 350_000]));
    expect(await settings.read("override", "pause a")).toBe("{}");
    expect(await settings.read("pool", "pause a")).toBeUndefined();
    expect((await settings.readAll("override")).size).toBe(1);
  });

  it("are written only over what was seen", async () => {
    const id = "limits (fleet)";
    const write = (seen: string | undefined, document: string) => putOverride(table, { id, seen, document });
    await write(undefined, "one");
    await expect(write(undefined, "two")).rejects.toThrow("Somebody else has just changed");
    await expect(write("zero", "two")).rejects.toThrow("Somebody else has just changed");
    await write("one", "two");
    await expect(removeOverride(table, { id, seen: "one" })).rejects.toThrow("Somebody else has just changed");
    expect(await readRows(table, "override")).toEqual(new Map([[id, "two"]]));
    await removeOverride(table, { id, seen: "two" });
    expect(await readRows(table, "override")).toEqual(new Map());
  });

  it("have rows without a document, which can be written over and removed", async () => {
    await put("override", "pause (fleet)");
    expect(await readRows(table, "override")).toEqual(new Map([["pause (fleet)", undefined]]));
    await removeOverride(table, { id: "pause (fleet)", seen: undefined });
    expect((await readRows(table, "override")).size).toBe(0);
  });

  it("are not there before the fleet is deployed", async () => {
    await expect(readRows({ ...table, name: "none" }, "pool")).rejects.toThrow("sees no settings of");
  });
});
