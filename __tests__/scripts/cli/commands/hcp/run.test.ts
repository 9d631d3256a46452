import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import { fleet } from "../../harness.ts";

const cloud = "backend: { type: cloud, organization: acme, workspace: ci }";

describe("fleet hcp run", () => {
  let fake: HcpTerraformFake;
  let cwd: string;

  beforeEach(async () => {
    fake = await startHcpTerraformFake();
    fake.state.addWorkspace("ci");
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
    await writeConfig(cloud);
    await mkdir(join(cwd, "cdktf.out/stacks/ci-agents"), { recursive: true });
    await writeFile(join(cwd, "cdktf.out/stacks/ci-agents/cdk.tf.json"), '{"terraform":{}}');
  });
  afterEach(() => Promise.all([fake.close(), rm(cwd, { recursive: true })]));

  const writeConfig = (backend: string) =>
    writeFile(
      join(cwd, "ci-agents.yaml"),
      `kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n${backend}\n`,
    );
  const run = (...args: string[]) => runTyping(undefined, ...args);
  /** @param typed what the person at the terminal answers; `undefined`: nobody is there */
  const runTyping = (typed: readonly string[] | undefined, ...args: string[]) =>
    fleet(["hcp", "run", "ci-agents", "--host", fake.url, ...args], {
      cwd,
      ...(typed && { typed }),
      env: { TOKEN: fake.token, AGENT_FLEETS_CONFIG: "ci-agents.yaml" },
    });
  const started = () => [...fake.state.runs.values()][0];

  it("uploads the synthesized folder, starts a run and follows it to its end", async () => {
    const { code, stdout, stderr } = await run("--auto-apply", "--message", "a test", "--json");
    expect(stderr).toContain("planning\nplanned\napply_queued\napplying\napplied\n");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      run_id: started()?.id,
      run_url: `${fake.url}/app/acme/workspaces/ci/runs/${started()?.id}`,
      status: "applied",
      succeeded: true,
    });
    expect(started()).toMatchObject({ message: "a test", autoApply: true, planOnly: false });
    const upload = fake.state.configurationVersions.get(started()?.configurationVersionId ?? "")?.content;
    expect(gunzipSync(upload ?? "").toString()).toContain('{"terraform":{}}');
  });

  it("does not take --plan-only and --auto-apply together", async () => {
    const { code, stderr } = await run("--plan-only", "--auto-apply");
    expect(stderr).toContain("'--plan-only' cannot be used with option '--auto-apply'");
    expect(code).toBe(1);
    expect(fake.requests).toEqual([]);
  });

  it("makes a plan that cannot be applied", async () => {
    expect(await run("--plan-only")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("planned_and_finished"),
    });
    expect(started()?.planOnly).toBe(true);
    expect([...fake.state.configurationVersions.values()]).toMatchObject([{ speculative: true }]);
  });

  it("defect 9: fails when the run fails, and shows the end of its log", async () => {
    fake.state.progress = ["planning", "errored"];
    fake.state.logs = { plan: `${"line\n".repeat(100)}Error: no such thing\n`, apply: "" };
    const { code, stdout, stderr } = await run("--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: "errored", succeeded: false });
    expect(stderr).toContain("Error: no such thing");
    expect(stderr.split("line\n").length).toBeLessThan(45);
    expect(stderr).toContain("The run ended as errored.");
  });

  it.each([
    "canceled",
    "force_canceled",
    "discarded",
    "policy_soft_failed",
  ])("defect 9: fails when the run ends as %s", async (status) => {
    fake.state.progress = [status];
    expect(await run()).toMatchObject({ code: 1 });
  });

  it("says that a person must decide, and fails when nobody has in time", async () => {
    const { code, stdout, stderr } = await run("--timeout-seconds", "60");
    expect(stderr).toContain("waits for a person to confirm or discard it at");
    expect(stderr).toContain("The run is still planned after 60 s.");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  describe("after Ctrl-C", () => {
    /** Interrupts as soon as the run has this status. */
    const interruptAt = (status: string) => {
      fake.state.onStatus = (run) => run.status === status && setImmediate(() => process.emit("SIGINT"));
    };

    it.each([
      { at: "planning", answer: "cancel", ends: "canceled" },
      { at: "planned", answer: "discard", ends: "discarded" },
    ])("ends a run that is $at if the person says so", async ({ at, answer, ends }) => {
      fake.state.progress = [at, at];
      interruptAt(at);
      const { code, stderr } = await runTyping([answer]);
      expect(stderr).toContain(`The run is ${at} and goes on without us.`);
      expect(stderr).toContain(`HCP Terraform was asked to ${answer} the run.`);
      expect({ code, status: started()?.status }).toEqual({ code: 1, status: ends });
    });

    it.each([
      { who: "the person lets it", typed: ["leave"] },
      { who: "nobody can answer", typed: undefined },
    ])("lets the run go on if $who, and says so", async ({ typed }) => {
      interruptAt("planning");
      const { code, stdout, stderr } = await runTyping(typed);
      expect(stderr).toContain("Interrupted. The run goes on.\nSee ");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(fake.requests.filter(({ path }) => path.includes("/actions/"))).toEqual([]);
    });
  });

  it("says what to do where the stack is not synthesized", async () => {
    const { code, stderr } = await run("--output", "elsewhere");
    expect(code).toBe(1);
    expect(stderr).toContain("Run npm run synth first.");
    expect(fake.requests).toEqual([]);
  });

  it("says what to do where the backend is no workspace, or the workspace is missing", async () => {
    fake.state.workspaces.clear();
    const missing = await run();
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('no workspace named "ci"');
    await writeConfig("");
    const local = await run();
    expect(local.code).toBe(1);
    expect(local.stderr).toContain("local backend");
  });

  it("says so when HCP Terraform cannot take the upload in", async () => {
    const version = { data: { id: "cv-1", attributes: { status: "errored" } } };
    fake.fail({ method: "GET", path: /configuration-versions/, answer: { status: 200, json: version } });
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toContain("could not process the upload");
    expect(fake.state.runs.size).toBe(0);
  });
});
