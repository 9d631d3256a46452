import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PoolSettings } from "../../../../handlers/lib/settings/pool.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { createSettingsTableFake, type SettingsTableFake } from "../../../fakes/settings-table.ts";
import { policyOf } from "../../../fixtures/policy.ts";
import { fleet } from "../harness.ts";

const now = createFakeClock().now().getTime();
const inSeconds = (seconds: number) => new Date(now + seconds * 1000);
const iso = (seconds: number) => inSeconds(seconds).toISOString();
const hour = 3600;

let aws: HttpFake;
let table: SettingsTableFake;
let cwd: string;

beforeEach(async () => {
  table = createSettingsTableFake("ci-agents-settings");
  aws = await startHttpFake(
    (request) =>
      table.answer(request) ?? {
        status: 400,
        json: { __type: "ResourceNotFoundException", message: "Requested resource not found" },
      },
  );
  const env = { AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  await writeFile(
    join(cwd, "ci-agents.yaml"),
    "kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n",
  );
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
});

const run = (...args: string[]) => fleet(args, { cwd, env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" } });
const limits = (...args: string[]) => run("limits", "ci-agents", ...args);
const poolsNow = async () => JSON.parse((await limits("--json")).stdout).pools;
const documentOf = (id: string) => JSON.parse(table.items.get(`override ${id}`)?.document?.S ?? "null");
const tableNow = () => JSON.stringify([...table.items]);

function putPool(pool?: string, policy: Parameters<typeof policyOf>[0] = {}, capacity?: PoolSettings["capacity"]) {
  table.putPool(pool, {
    policy: policyOf({ min: 1, max: 10, buffer: 0, ...policy }),
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      demand: "api",
    },
    capacity: capacity ?? {
      type: "ecs",
      cluster: "ci",
      taskDefinition: "ci:1",
      container: "agent",
      capacityProviders: ["FARGATE"],
      subnets: ["subnet-a"],
      securityGroups: [],
      assignPublicIp: "false",
      enableExecuteCommand: false,
      nameVariable: "TFC_AGENT_NAME",
    },
  });
}

const group: PoolSettings["capacity"] = { type: "asg", group: "ci", hook: "retire", bootSeconds: 1200 };

describe("fleet limits", () => {
  it("shows what the loop goes by, and changes nothing", async () => {
    putPool("linux", { buffer: { percent: 20 } });
    putPool("large", { min: 0, max: 3 });
    table.putOverride("limits", "large", { max: 2, until: inSeconds(hour) });
    table.putOverride("pause", "linux", { reason: "why" });
    const rows = tableNow();
    expect(await poolsNow()).toEqual([
      {
        pool: "large",
        min: 0,
        max: 2,
        buffer: 0,
        until: iso(hour),
        stack: { min: 0, max: 3, buffer: 0 },
        drained_since: null,
        paused: null,
      },
      {
        pool: "linux",
        min: 1,
        max: 10,
        buffer: "20%",
        until: null,
        stack: { min: 1, max: 10, buffer: "20%" },
        drained_since: null,
        paused: { until: null, reason: "why" },
      },
    ]);
    const { code, stdout } = await limits("--pool", "large");
    expect(code).toBe(0);
    expect(stdout).toMatch(/large +│ 0 +│ 2 +│ 0 +│ \S+Z +│ min 0, max 3, buffer 0/);
    expect(stdout).not.toContain("linux");
    expect(tableNow()).toBe(rows);
    expect(new Set(table.calls)).toEqual(new Set(["Query"]));
  });

  it("sets limits for two hours, or as long as it is told, in a row of its own", async () => {
    putPool();
    expect((await limits("--max", "3")).code).toBe(0);
    expect(documentOf("limits (fleet)")).toEqual({ max: 3, until: iso(2 * hour) });
    expect(table.items.get("override limits (fleet)")?.expiresAt).toEqual({ N: String(now / 1000 + 2 * hour) });
    const { stdout } = await limits("--json", "--min", "2", "--buffer", "50%", "--for", "1d12h");
    expect(JSON.parse(stdout).pools).toMatchObject([
      { pool: null, min: 2, max: 3, buffer: "50%", until: iso(36 * hour), stack: { min: 1, max: 10, buffer: 0 } },
    ]);
    expect(documentOf("limits (fleet)")).toMatchObject({ min: 2, max: 3, buffer: { percent: 50 } });
  });

  it("what is over is not taken along into new limits", async () => {
    putPool();
    table.putOverride("limits", undefined, { max: 3, until: inSeconds(0) });
    await limits("--min", "5");
    expect(documentOf("limits (fleet)")).toEqual({ min: 5, until: iso(2 * hour) });
  });

  it("lowers the stack's floor with the ceiling", async () => {
    putPool(undefined, { min: 4 });
    expect(JSON.parse((await limits("--json", "--max", "2")).stdout).pools).toMatchObject([{ min: 2, max: 2 }]);
  });

  it("ends them", async () => {
    putPool();
    await limits("--max", "3");
    expect((await limits("--clear")).code).toBe(0);
    expect(await poolsNow()).toMatchObject([{ max: 10, until: null }]);
    expect([...table.items.keys()]).toEqual(["pool (fleet)"]);
    expect((await limits("--clear")).code).toBe(0);
  });

  it("ends or replaces a bad row, which counts for nothing, and shows it without what a terminal would obey", async () => {
    putPool();
    for (const args of [["--clear"], ["--max", "4"]]) {
      table.putText("override", "limits (fleet)", JSON.stringify({ max: 5000, until: "\u001b[2J", "\u001b": 1 }));
      const shown = await limits();
      expect(shown.stderr).toContain('The row "limits (fleet)" cannot be used: until: ');
      expect(shown.stdout + shown.stderr).not.toContain("\u001b");
      expect(JSON.parse((await limits("--json")).stdout)).toMatchObject({
        pools: [{ max: 10, until: null }],
        trouble: [{ row: "limits (fleet)" }],
      });
      expect((await limits(...args)).code).toBe(0);
      expect(JSON.parse((await limits("--json")).stdout).trouble).toEqual([]);
    }
  });

  it.each<[what: string, args: string[], message: string]>([
    ["more than the stack allows", ["--max", "11"], "agents.max is 10"],
    ["a floor above the ceiling", ["--min", "5", "--max", "4"], "min 5 is more than max, which would be 4"],
    ["a floor above the stack's ceiling", ["--min", "11"], "which would be 10"],
    ["a buffer above the ceiling", ["--buffer", "11"], "buffer 11 is more than max"],
    ["no number", ["--max", "many"], "no number of agents"],
    ["a negative number", ["--min=-1"], "no number of agents"],
    ["half an agent", ["--max", "1.5"], "no number of agents"],
    ["no buffer", ["--buffer", "20 %"], "no buffer"],
    ["no time", ["--max", "3", "--for", "soon"], "no length of time"],
    ["less than a minute", ["--max", "3", "--for", "0m"], "no length of time"],
    ["more than 30 days", ["--max", "3", "--for", "31d"], "no length of time"],
    ["nothing to hold", ["--for", "2h"], "No limit is given"],
    ["an end and limits", ["--clear", "--max", "3"], "--clear ends all"],
    ["a pool in a fleet without", ["--pool", "linux", "--max", "3"], "has no pool"],
  ])("refuses %s, and changes nothing", async (_, args, message) => {
    putPool();
    const rows = tableNow();
    const { code, stdout, stderr } = await limits("--json", ...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr.trim().split("\n").at(-1) ?? "")).toMatchObject({
      error: expect.stringContaining(message),
    });
    expect(tableNow()).toBe(rows);
  });

  it.each([
    ["no time", ["--for", "soon"]],
    ["no time", ["--max", "3", "--for", "-1h"]],
    ["too long", ["--max", "3", "--for", "9999d"]],
    ["no number", ["--max", "NaN"]],
    ["no number", ["--min", "0x10"]],
    ["no number", ["--max", ""]],
    ["too many", ["--max", "10001"]],
    ["no buffer", ["--buffer", "-1%"]],
    ["a floor above the ceiling", ["--min", "5", "--max", "3"]],
    ["a buffer above the ceiling", ["--buffer", "5", "--max", "3"]],
  ])("refuses %s before it asks AWS: %j", async (_, args) => {
    const { code, stdout, stderr } = await limits(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("Nothing was changed.");
    expect(aws.requests).toEqual([]);
  });

  it("refuses less than an Auto Scaling group keeps by itself", async () => {
    putPool(undefined, { min: 2 }, group);
    for (const args of [
      ["--max", "1"],
      ["--min", "1"],
    ]) {
      expect((await limits(...args)).stderr).toContain("Auto Scaling group keeps 2 instances by itself");
    }
    expect((await limits("--max", "2")).code).toBe(0);
    putPool(undefined, { min: 2 }, { ...group, fallback: { group: "ci-on-demand", afterSeconds: 600 } });
    expect((await limits("--max", "1")).code).toBe(0);
  });

  it("asks which of several pools, and guesses what was meant", async () => {
    for (const pool of ["linux", "large"]) putPool(pool);
    expect((await limits("--max", "3")).stderr).toContain("Name one with --pool: large, linux");
    expect((await limits("--pool", "linx", "--max", "3")).stderr).toContain("Did you mean linux?");
    expect((await limits("--pool", "linux", "--max", "3")).code).toBe(0);
    expect(await poolsNow()).toMatchObject([
      { pool: "large", max: 10 },
      { pool: "linux", max: 3 },
    ]);
  });

  it("does not overwrite what somebody else has set meanwhile", async () => {
    putPool();
    for (const args of [["--max", "3"], ["--clear"]]) {
      table.putOverride("limits", undefined, { max: 7, until: inSeconds(hour) });
      aws.onRequest = ({ headers }) => {
        if (!/(Put|Delete)Item$/.test(String(headers["x-amz-target"]))) return;
        table.putOverride("limits", undefined, { max: 5, until: inSeconds(hour) });
      };
      const { code, stderr } = await limits(...args);
      expect([code, stderr]).toEqual([1, expect.stringContaining("Somebody else has just changed")]);
      expect(documentOf("limits (fleet)").max).toBe(5);
      aws.onRequest = undefined;
    }
  });

  it("says so where the fleet is not deployed, or its settings cannot be used", async () => {
    expect((await limits()).stderr).toContain(
      "sees no settings of ci-agents in the table ci-agents-settings in eu-west-1",
    );
    table.tables.clear();
    expect(await limits()).toMatchObject({ code: 1, stderr: expect.stringContaining("Deploy the stack") });
    table.tables.add("ci-agents-settings");
    table.putText("pool", "(fleet)", "{}");
    expect((await limits()).stderr).toContain('The row "pool (fleet)" cannot be used');
    expect((await limits("--max", "3")).stderr).toContain("The settings of ci-agents cannot be used");
  });

  it("is for fleets", async () => {
    await writeFile(join(cwd, "ci-agents.yaml"), "kind: network\nregion: eu-west-1\n");
    expect((await limits()).stderr).toContain("which has no agents");
  });
});

describe("fleet pause and resume", () => {
  const pause = (...args: string[]) => run("pause", "ci-agents", ...args);
  const resume = (...args: string[]) => run("resume", "ci-agents", ...args);
  const paused = async () => (await poolsNow()).map((pool: { paused: unknown }) => pool.paused);

  it("hold the fleet until somebody resumes it", async () => {
    putPool();
    const { code, stdout } = await pause();
    expect([code, stdout]).toEqual([0, expect.stringContaining("ci-agents is paused until you resume it")]);
    expect(documentOf("pause (fleet)")).toEqual({});
    expect(table.items.get("override pause (fleet)")).not.toHaveProperty("expiresAt");
    expect(await paused()).toEqual([{ until: null, reason: null }]);
    expect((await resume()).stdout).toContain("ci-agents goes on within a minute");
    expect(await paused()).toEqual([null]);
    expect(await resume()).toMatchObject({ code: 0, stdout: expect.stringContaining("was not paused") });
  });

  it("hold it for a while, for a reason", async () => {
    putPool();
    const { stdout } = await pause("--json", "--for", "90m", "--reason", "vendor incident");
    expect(JSON.parse(stdout)).toEqual({
      stack: "ci-agents",
      pool: null,
      paused: { until: iso(1.5 * hour), reason: "vendor incident" },
    });
    expect(await paused()).toEqual([{ until: iso(1.5 * hour), reason: "vendor incident" }]);
  });

  it("hold one pool of several, or all", async () => {
    for (const pool of ["linux", "large"]) putPool(pool);
    await pause("--pool", "linux");
    expect(await paused()).toEqual([null, { until: null, reason: null }]);
    await pause("--reason", "all");
    expect(await paused()).toEqual([0, 1].map(() => ({ until: null, reason: "all" })));
    const { code, stderr } = await resume("--pool", "linux");
    expect([code, stderr]).toEqual([1, expect.stringContaining("the whole fleet is")]);
    await pause("--pool", "large");
    expect((await resume()).code).toBe(0);
    expect(await paused()).toEqual([null, null]);
  });

  it.each([
    ["a reason of two lines", ["--reason", "one\ntwo"], "one line"],
    ["a reason that a terminal would obey", ["--reason", "\u001b[2J"], "control characters"],
    ["a reason without end", ["--reason", "x".repeat(201)], "200 characters"],
    ["no time", ["--for", "2 hours"], "no length of time"],
    ["an unknown pool", ["--pool", "linux"], "has no pool"],
  ])("refuse %s, and change nothing", async (_, args, message) => {
    putPool();
    const rows = tableNow();
    expect(await pause(...args)).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(tableNow()).toBe(rows);
  });

  it("show a reason that somebody wrote by hand without what a terminal would obey", async () => {
    putPool();
    table.putText("override", "pause (fleet)", JSON.stringify({ reason: "\u001b[2Jgone\u202e" }));
    const { stdout } = await limits();
    expect(stdout).toContain("until resumed: \\u001b[2Jgone\\u202e");
    expect(stdout).not.toContain("\u001b");
  });

  it("say what they need, and how they are called", async () => {
    for (const command of ["pause", "resume", "limits"]) {
      const { code, stdout } = await run(command, "--help");
      expect(code).toBe(0);
      expect(stdout).toContain(`Example`);
      expect(stdout).toContain(`fleet ${command} ci-agents`);
    }
  });
});
