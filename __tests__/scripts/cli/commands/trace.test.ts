import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTrace } from "../../../../scripts/simulate/trace.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../fakes/azure-devops.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";

const head = "submitted_at,duration_seconds,queue,workspace";

/** The harness's clock stands at the first of January 2026. */
const at = (minutesAgo: number) => new Date(Date.parse("2026-01-01T00:00:00.000Z") - minutesAgo * 60_000);
const iso = (minutesAgo: number) => at(minutesAgo).toISOString();

describe("fleet trace export of HCP Terraform", () => {
  let fake: HcpTerraformFake;
  let folder: string;
  let clock: FakeClock;

  beforeEach(async () => {
    clock = createFakeClock();
    fake = await startHcpTerraformFake({ clock });
    folder = folderWith({
      "config/hcp.yaml": `kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws, address: "${fake.url}" }\n`,
    });
  });
  afterEach(() => fake.close());

  const call = (...args: string[]) =>
    fleet(["trace", "export", ...args], { cwd: folder, clock, env: { TOKEN: fake.token } });

  function addRun(status: string, stamps: Readonly<Record<string, number>>, createdMinutesAgo = 100, pool = "aws") {
    const found = [...fake.state.pools.values()].find(({ name }) => name === pool) ?? fake.state.addPool(pool);
    const workspace = fake.state.addWorkspace(`workspace-${fake.state.runs.size}`, found);
    const run = fake.state.addRun({ workspaceId: workspace.id, status: "pending", createdAt: at(createdMinutesAgo) });
    run.status = status;
    for (const [name, minutesAgo] of Object.entries(stamps)) run.timestamps.set(name, at(minutesAgo));
    return workspace.id;
  }

  it("writes a job for the plan and one for the apply of a run, oldest first", async () => {
    const second = addRun("planned_and_finished", {
      "plan-queued-at": 50,
      "planning-at": 49,
      "planned-and-finished-at": 47,
    });
    const first = addRun("applied", {
      "plan-queued-at": 90,
      "planning-at": 88,
      "planned-at": 86,
      "confirmed-at": 40,
      "apply-queued-at": 39,
      "applying-at": 38,
      "applied-at": 33,
    });
    const { code, stdout, stderr } = await call("hcp");
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${[head, `${iso(90)},120,aws,${first}`, `${iso(50)},120,aws,${second}`, `${iso(39)},300,aws,${first}`].join(
        "\n",
      )}\n`,
    );
    expect(stderr).toContain(
      `3 jobs from ${iso(90)} to ${iso(39)}. Left out: 0 that no agent took, 0 not over, 0 without times.`,
    );
  });

  it("counts a cancelled or failed run with the time of its agent, and leaves out one that no agent took", async () => {
    addRun("canceled", { "plan-queued-at": 30, "planning-at": 29, "canceled-at": 28 });
    addRun("errored", {
      "plan-queued-at": 20,
      "planning-at": 19,
      "planned-at": 18,
      "apply-queued-at": 17,
      "applying-at": 16,
      "errored-at": 14,
    });
    addRun("canceled", { "plan-queued-at": 10, "canceled-at": 9 });
    addRun("planning", { "plan-queued-at": 5, "planning-at": 4 });
    addRun("plan_queued", { "plan-queued-at": 3 });
    const { stdout } = await call("hcp", "--json");
    const { jobs, left_out: leftOut } = JSON.parse(stdout);
    expect(jobs.map(({ duration_seconds: seconds }: { duration_seconds: number }) => seconds)).toEqual([60, 60, 120]);
    expect(leftOut).toEqual({ never_ran: 1, not_over: 2, unreadable: 0 });
  });

  it("leaves out runs whose times are missing or in the wrong order", async () => {
    addRun("applied", {});
    addRun("applied", { "planning-at": 10, "planned-at": 12 });
    addRun("applied", { "plan-queued-at": 5, "planning-at": 6, "planned-at": 4 });
    addRun("planned", { "plan-queued-at": 30, "planning-at": 29, "planned-at": 28 });
    const { stdout } = await call("hcp", "--json");
    const { jobs, left_out: leftOut } = JSON.parse(stdout);
    expect(jobs).toHaveLength(1);
    expect(leftOut.unreadable + leftOut.not_over).toBe(3);
  });

  it("reads all pages within the rate limit, and no further back than the days that were asked for", async () => {
    fake.state.runListsPerMinute = 30;
    for (let run = 0; run < 3500; run += 1) {
      addRun("planned_and_finished", { "plan-queued-at": 5, "planning-at": 4, "planned-and-finished-at": 3 }, 6);
    }
    addRun("planned_and_finished", { "plan-queued-at": 5, "planning-at": 4, "planned-and-finished-at": 3 }, 6, "other");
    const { code, stdout } = await call("hcp", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).jobs).toHaveLength(3500);
    expect(fake.requests.length).toBe(35);
  });

  it("reads no page after the first run that is too old", async () => {
    const twoDays = 2 * 24 * 60;
    const old = { "plan-queued-at": twoDays, "planning-at": twoDays - 1, "planned-and-finished-at": twoDays - 2 };
    for (let run = 0; run < 250; run += 1) addRun("planned_and_finished", old, twoDays);
    for (let run = 0; run < 150; run += 1) {
      addRun("planned_and_finished", { "plan-queued-at": 5, "planning-at": 4, "planned-and-finished-at": 3 }, 6);
    }
    const { stdout } = await call("hcp", "--days", "1", "--json");
    expect(JSON.parse(stdout).jobs).toHaveLength(150);
    expect(fake.requests.length).toBe(2);
  });

  it("writes nothing where a page fails: a part of the history is no trace", async () => {
    for (let run = 0; run < 150; run += 1) {
      addRun("planned_and_finished", { "plan-queued-at": 5, "planning-at": 4, "planned-and-finished-at": 3 }, 6);
    }
    fake.fail({ when: ({ query }) => query.get("page[number]") === "2", answer: { status: 500 } });
    const failed = await call("hcp", "--output", "jobs.csv");
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("vendor.address of the stack");
    expect(() => readFileSync(join(folder, "jobs.csv"))).toThrow();
    fake.clearFaults();
    fake.fail({ when: ({ query }) => query.get("page[number]") === "2", answer: "malformed" });
    expect(await call("hcp")).toMatchObject({ code: 1, stdout: "" });
  });

  it("says where the pool had no job", async () => {
    const { code, stdout, stderr } = await call("hcp");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/hcp\.yaml: no job of the last 28 days has been done by an agent/);
  });

  it("asks for the token where the environment has none, and says what to do where it is refused", async () => {
    addRun("planned_and_finished", { "plan-queued-at": 5, "planning-at": 4, "planned-and-finished-at": 3 });
    const typed = await fleet(["trace", "export", "hcp"], { cwd: folder, typed: [fake.token] });
    expect(typed).toMatchObject({ code: 0 });
    expect(typed.stderr).toContain("? TOKEN: an API token of HCP Terraform");
    const refused = await fleet(["trace", "export", "hcp"], { cwd: folder, env: { TOKEN: "wrong" } });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("Set TOKEN to an API token that may read this organization's runs.");
  });
});

describe("fleet trace export of Azure DevOps", () => {
  let fake: AzureDevOpsFake;
  let folder: string;
  const hostile = "-cmd, @evil";

  beforeEach(async () => {
    fake = await startAzureDevOpsFake({ clock: createFakeClock(), collection: "/Main" });
    const vendor = `vendor: { type: azure-devops, collectionUrl: "${fake.url}/Main"`;
    folder = folderWith({
      "config/ado.yaml": `kind: ecs-fleet\nregion: eu-west-1\n${vendor}, poolName: aws }\n`,
      "config/pools.yaml": `kind: ecs-fleet\nregion: eu-west-1\n${vendor} }\npools:\n  - { key: one, name: aws }\n  - { key: two, name: "${hostile}" }\n`,
    });
  });
  afterEach(() => fake.close());

  const call = (...args: string[]) =>
    fleet(["trace", "export", ...args], { cwd: folder, env: { ADO_PAT: fake.state.pat } });

  const times = (queued: number, received: number, finished: number) => ({
    queueTime: iso(queued),
    assignTime: iso(received),
    receiveTime: iso(received),
    finishTime: iso(finished),
    result: "succeeded" as const,
  });

  it("writes the jobs of the pool that ran, and reads back as they were", async () => {
    const pool = fake.state.addPool("aws");
    fake.state.addJob(fake.state.addPool("other"), times(5, 4, 3));
    fake.state.addJob(pool, times(30, 28, 23));
    fake.state.addJob(pool, { ...times(60, 59, 50), result: "canceled" });
    fake.state.addJob(pool, { queueTime: iso(9), finishTime: iso(8), result: "canceled" });
    fake.state.addJob(pool, { queueTime: iso(2) });
    fake.state.addJob(pool, { queueTime: iso(4), receiveTime: iso(3) });
    fake.state.addJob(pool, { ...times(9, 8, 7), finishTime: "yesterday" });
    fake.state.addJob(pool, times(9, 7, 8));
    const { code, stdout, stderr } = await call("ado", "--output", "jobs.csv");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Written to jobs.csv.\n" });
    expect(stderr).toContain("Left out: 1 that no agent took, 2 not over, 2 without times.");
    const file = join(folder, "jobs.csv");
    expect(readFileSync(file, "utf8")).toBe(`${head}\n${iso(60)},540,aws,\n${iso(30)},300,aws,\n`);
    expect(readTrace({ trace: file, seed: 1 }, file).jobs).toEqual([
      { at: 0, seconds: 540 },
      { at: 1800, seconds: 300 },
    ]);
  });

  it("names each pool as the queue, so that no spreadsheet runs it and a fleet of these pools finds it", async () => {
    fake.state.addJob(fake.state.addPool("aws"), times(30, 28, 23));
    fake.state.addJob(fake.state.addPool(hostile), times(20, 19, 18));
    const { stdout } = await call("pools");
    expect(stdout).toBe(`${head}\n${iso(30)},300,aws,\n${iso(20)},60,"'${hostile}",\n`);
    await call(join(folder, "config/pools.yaml"), "--output", "jobs.csv");
    const file = join(folder, "jobs.csv");
    const isPool = (name: string) => ["aws", hostile].includes(name);
    expect(readTrace({ trace: file, seed: 1, isPool }, file).jobs.map(({ queue }) => queue)).toEqual(["aws", hostile]);
  });

  it("fails with a hint where the pool or the token is wrong", async () => {
    expect((await call("ado")).stderr).toMatch(/agent pool "aws" .*\n.*Check the names/);
    fake.state.addPool("aws");
    const refused = await fleet(["trace", "export", "ado"], { cwd: folder, env: { ADO_PAT: "wrong" } });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("Set ADO_PAT to a personal access token");
  });

  it("says where a file cannot be written", async () => {
    fake.state.addJob(fake.state.addPool("aws"), times(30, 28, 23));
    const { code, stderr } = await call("ado", "--output", "no/such/folder/jobs.csv");
    expect(code).toBe(1);
    expect(stderr).toContain("--output no/such/folder/jobs.csv cannot be written: ENOENT");
  });
});

describe("fleet trace export", () => {
  const call = (...args: string[]) => fleet(["trace", "export", ...args], { cwd: process.cwd() });

  it.each([
    ["spacelift-amd64", /spacelift-amd64\.yaml: vendor\.type: fleet knows no documented call of Spacelift's API/],
    ["semaphore-minimal", /semaphore-minimal\.yaml: vendor\.type: fleet knows no documented call of Semaphore's API/],
    ["config/network-full.yaml", /network-full\.yaml is no fleet: its kind is network/],
    ["hcp-minimal", /TOKEN is not set/],
    ["nobody", /there is no stack "nobody"/],
  ])("of %s says why not", async (stack, message) => {
    const { code, stdout, stderr } = await call(stack);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it.each(["0", "1.5", "all", "99999999"])("--days %s is refused", async (days) => {
    expect((await call("hcp-minimal", "--days", days)).stderr).toMatch(/is no whole number from 1 to 3653/);
  });
});
