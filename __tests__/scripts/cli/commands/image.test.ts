import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CodeBuildFake, startCodeBuildFake } from "../../../fakes/codebuild.ts";
import { fleet } from "../harness.ts";

const image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/agent-fleets/ci-agents/versions:4.1.2-20260101T000000Z";
const succeeds = [
  { currentPhase: "SUBMITTED" },
  { currentPhase: "PROVISIONING" },
  { currentPhase: "BUILD", log: ["one", "two", "three"] },
  { currentPhase: "BUILD", log: ["four"] },
  {
    currentPhase: "COMPLETED",
    log: ["five"],
    buildStatus: "SUCCEEDED",
    phases: [{ phaseType: "BUILD", phaseStatus: "SUCCEEDED" }, { phaseType: "COMPLETED" }],
    exportedEnvironmentVariables: [{ name: "IMAGE", value: image }],
  },
];
const failing = (buildStatus: string, phases: readonly object[]) => [
  { currentPhase: "QUEUED" },
  { currentPhase: "BUILD", log: ["one"] },
  { currentPhase: "COMPLETED", buildStatus, phases },
];

describe("fleet image build", () => {
  let aws: CodeBuildFake;
  let cwd: string;

  beforeEach(async () => {
    aws = await startCodeBuildFake();
    aws.projects.add("ci-agents-image");
    aws.steps = succeeds;
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
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

  const build = (...args: string[]) =>
    fleet(["image", "build", "ci-agents", ...args], { cwd, env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" } });
  const callsOf = (action: string) =>
    aws.requests.filter(({ headers }) => String(headers["x-amz-target"]).endsWith(`.${action}`));

  it("starts the stack's build in its region and follows its phases and log to the end", async () => {
    aws.lateLog.push("six", "seven");
    const { code, stdout, stderr } = await build();
    expect(stderr.split("\n")).toEqual([
      "Building the image of ci-agents: ci-agents-image:1",
      ...["--- SUBMITTED", "--- PROVISIONING", "--- BUILD", "one", "two", "three", "four", "--- COMPLETED", "five"],
      ...["six", "seven", ""],
    ]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `New agents of ci-agents run ${image}.\n` });
    expect(aws.started).toEqual(["ci-agents-image"]);
    for (const { headers } of aws.requests) expect(headers.authorization).toMatch(/\/eu-west-1\/(codebuild|logs)\//);
  });

  it("tells the result in JSON", async () => {
    expect(JSON.parse((await build("--json")).stdout)).toEqual({
      build_id: "ci-agents-image:1",
      status: "SUCCEEDED",
      image,
      log_url: "https://console.example/log",
    });
  });

  it("leaves the build to itself with --no-wait", async () => {
    const { code, stdout } = await build("--no-wait");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Build ci-agents-image:1: IN_PROGRESS\n" });
    expect(aws.requests).toHaveLength(1);
  });

  it("fails when the build does, with the failing phase and its reason", async () => {
    const message = "Error while executing command: bash build.sh. Reason: exit status 1";
    aws.steps = failing("FAILED", [
      { phaseType: "PROVISIONING", phaseStatus: "SUCCEEDED", contexts: [{ message: "" }] },
      { phaseType: "BUILD", phaseStatus: "FAILED", contexts: [{ statusCode: "COMMAND_EXECUTION_ERROR", message }] },
      { phaseType: "COMPLETED" },
    ]);
    const { code, stdout, stderr } = await build("--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: "FAILED", image: null });
    expect(stderr).toContain(`The build ended as FAILED in phase BUILD: ${message}.`);
    expect(stderr).toContain("one\n");
  });

  it.each([
    "FAULT",
    "TIMED_OUT",
    "STOPPED",
  ])("fails when the build ends as %s, even without a reason", async (status) => {
    aws.steps = failing(status, [{ phaseType: "BUILD", phaseStatus: status }]);
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain(`The build ended as ${status} in phase BUILD.`);
  });

  it("follows on without a log that it may not read, and says so once", async () => {
    const json = { __type: "AccessDeniedException", message: "not authorized to perform: logs:GetLogEvents" };
    aws.onRequest = (request) => {
      if (!String(request.headers["x-amz-target"]).endsWith("GetLogEvents")) return;
      aws.fail({ times: 1, answer: { status: 400, headers: { "content-type": "application/x-amz-json-1.1" }, json } });
    };
    const { code, stderr } = await build();
    expect(code).toBe(0);
    expect(stderr.match(/The log cannot be read: not authorized to perform: logs:GetLogEvents/g)).toHaveLength(1);
    expect(callsOf("GetLogEvents")).toHaveLength(1);
  });

  it("says what to do where the stack builds no image, or is not deployed", async () => {
    aws.projects.clear();
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain("This AWS identity sees no CodeBuild project ci-agents-image in eu-west-1");
    expect(stderr).toContain("compute.image.build");
  });

  it("says what to do where a build is under way", async () => {
    const json = { __type: "AccountLimitExceededException", message: "Cannot have more than 1 active builds" };
    aws.fail({ answer: { status: 400, headers: { "content-type": "application/x-amz-json-1.1" }, json } });
    const { code, stderr } = await build();
    expect(code).toBe(1);
    expect(stderr).toContain("is building already, or the account's limit");
  });

  it("names the stacks there are", async () => {
    const { code, stderr } = await fleet(["image", "build", "ci-agent"], {
      cwd,
      env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("did you mean ci-agents?");
    expect(aws.requests).toEqual([]);
  });
});
