import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createSettingsTable } from "../../handlers/lib/aws/settings-table.ts";
import { type PoolSettings, parsePool } from "../../handlers/lib/settings/pool.ts";
import { putOverride } from "../../scripts/cli/lib/override-store.ts";
import { awsProviderVersion } from "../e2e/fit-to-emulator.ts";
import { missingTools, mustRun, providerAt, run, terraformEnvironment } from "../e2e/toolchain.ts";
import { type Moto, startMoto } from "../fakes/moto.ts";
import { pool, pooled } from "./azure-devops.ts";
import { synthesize } from "./synth.ts";

const missing = missingTools({ moto: true });
if (missing) process.stderr.write(`SKIPPED: the rows of pools' settings. Missing here: ${missing}\n`);

const odd = { quoted: '"a\\b"', lines: "one\ntwo", template: "${not} %{terraform}", umlaut: "ü\u2028" };

/** The table of a fleet and its rows, as they are synthesized. What other resources would tell is a variable's value. */
function stackOf(endpoint: string, pools: readonly object[]) {
  const { resource } = synthesize(pooled(pools));
  const items = Object.entries(resource.aws_dynamodb_table_item ?? {}).map(([id, item]) => {
    const text = String(item.item).replaceAll(/(?<!\$)\$\{(?!aws_dynamodb_table)[^}]+\}/g, "${var.other}");
    return [id, { ...item, item: text }];
  });
  const tables = Object.entries(resource.aws_dynamodb_table ?? {}).filter(([id]) => id.startsWith("settings"));
  return {
    terraform: { required_providers: { aws: { source: "hashicorp/aws", version: awsProviderVersion } } },
    provider: providerAt({ dynamodb: endpoint }),
    variable: { other: { type: "string", default: "7" } },
    resource: {
      aws_dynamodb_table: Object.fromEntries(tables),
      aws_dynamodb_table_item: Object.fromEntries(items),
    },
  };
}

describe.skipIf(missing)("the rows of pools' settings, with Terraform", () => {
  let moto: Moto;
  let folder: string;
  const table = { name: "ci-settings", region: "us-west-2", stack: "ci" };
  const [linux, large] = [pool("linux", { capabilities: odd }), pool("large", { min: 1 })];

  beforeAll(async () => {
    moto = await startMoto();
    const env = { AWS_ENDPOINT_URL: moto.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    configure([linux, large]);
    await terraform(mustRun, "init");
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const configure = (pools: readonly object[]) =>
    writeFileSync(join(folder, "main.tf.json"), JSON.stringify(stackOf(moto.url, pools)));
  const terraform = (by: typeof run, command: string, ...flags: string[]) =>
    by("terraform", [command, "-no-color", "-input=false", ...flags], {
      cwd: folder,
      env: terraformEnvironment(folder),
    });
  const apply = () => terraform(mustRun, "apply", "-auto-approve");
  /** 0: the plan has no changes. */
  const planned = async () => (await terraform(run, "plan", "-detailed-exitcode")).code;
  const rows = async (): Promise<Readonly<Record<string, PoolSettings>>> => {
    const read = createSettingsTable({ table: table.name, dynamodb: new DynamoDBClient({ region: table.region }) });
    return Object.fromEntries([...(await read.readAll("pool"))].map(([key, text]) => [key, parsePool(text)]));
  };

  it("reach the functions as the config has them, and the next plan is empty", async () => {
    await apply();
    const { linux: first, ...others } = await rows();
    expect(Object.keys(others)).toEqual(["large"]);
    expect(first?.vendor).toMatchObject({ poolCapabilities: odd });
    expect(first?.capacity).toMatchObject({ taskDefinition: "ci_linux:7", subnets: ["7", "7"] });
    expect(await planned()).toBe(0);
  });

  it("stay as they are while operators add theirs, which no plan shows", async () => {
    await putOverride(table, { id: "limits linux", seen: undefined, document: "{}", until: new Date("2100-01-01") });
    expect(await planned()).toBe(0);
  });

  it("change in place, and come with the pools", async () => {
    configure([linux, { ...large, max: 3 }, pool("arm")]);
    await apply();
    expect(await rows()).toMatchObject({ linux: {}, large: { policy: { min: 1, max: 3 } }, arm: {} });
  });

  it("go with the pools; those that somebody changed or deleted are written again", async () => {
    const { putRow, deleteRow } = handsOn(table.name);
    await putRow("linux", "{}");
    await deleteRow("large");
    configure([linux, large]);
    await apply();
    expect(await rows()).toMatchObject({ linux: { policy: { min: 0 } }, large: { policy: { min: 1, max: 10 } } });
    expect(Object.keys(await rows()).sort()).toEqual(["large", "linux"]);
    expect(await planned()).toBe(0);
  });

  it("go with the table, with the rows of operators", async () => {
    await terraform(mustRun, "destroy", "-auto-approve");
    await expect(rows()).rejects.toThrow("not found");
  });
});

/** What somebody may do by hand to a row that Terraform owns. */
function handsOn(table: string) {
  const dynamodb = new DynamoDBClient({ region: "us-west-2" });
  const key = (id: string) => ({ part: { S: "pool" }, id: { S: id } });
  return {
    putRow: (id: string, document: string) =>
      dynamodb.send(new PutItemCommand({ TableName: table, Item: { ...key(id), document: { S: document } } })),
    deleteRow: (id: string) => dynamodb.send(new DeleteItemCommand({ TableName: table, Key: key(id) })),
  };
}
