import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CodeBuildFake, startCodeBuildFake } from "../../fakes/codebuild.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../fakes/hcp-terraform.ts";
import { type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { folderWith } from "../../stacks/config/files.ts";
import { fleet, type Outcome } from "./harness.ts";

/** Clears the screen, sets the title, turns the writing direction; also as single C1 characters. */
const hostile = "ok\u001b[2J\u001b]0;title\u0007\u009b1m\u0085\u202egnp\u2066\u200b\ufeff\r\nfleet: all is well";

const printed = ({ stdout, stderr }: Outcome) => stdout + stderr;
const obeyed = /(?![\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const cwd = folderWith({
  "config/ci-agents.yaml":
    "kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\nbackend: { type: cloud, organization: acme, workspace: ci }\n",
  "cdktf.out/stacks/ci-agents/cdk.tf.json": "{}",
});

describe.each([[[]], [["--json"]]])("with %j, characters that a terminal obeys are printed as text", (flags) => {
  let hcp: HcpTerraformFake;
  let aws: CodeBuildFake;
  let vendor: HttpFake | undefined;

  beforeEach(async () => {
    hcp = await startHcpTerraformFake();
    hcp.state.addWorkspace("ci", hcp.state.addPool("aws"));
    aws = await startCodeBuildFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([hcp.close(), aws.close(), vendor?.close()]);
  });

  const run = (...args: string[]) => fleet([...args, ...flags], { cwd, env: { TOKEN: hcp.token } });

  it("where a vendor explains an error", async () => {
    hcp.fail({ answer: { status: 422, json: { errors: [{ detail: hostile }] } } });
    const outcome = await run("hcp", "token", "create", "acme", "--pool", "aws", "--create-pool", "--host", hcp.url);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("\\u001b[2J");
    expect(outcome.stderr).not.toContain("\nfleet: all is well");
    expect(printed(outcome)).not.toMatch(obeyed);
  });

  it("where a result holds them, and JSON stays the same JSON", async () => {
    hcp.fail({
      method: "POST",
      path: /authentication-tokens/,
      answer: { status: 201, json: { data: { id: hostile, attributes: { token: `token ${hostile}` } } } },
    });
    const outcome = await run("hcp", "token", "create", "acme", "--pool", "aws", "--host", hcp.url);
    expect(outcome.code).toBe(0);
    expect(printed(outcome)).not.toMatch(obeyed);
    if (flags.length > 0) expect(JSON.parse(outcome.stdout)).toMatchObject({ agent_token_id: hostile });
  });

  it("where the log of a build and AWS's reason hold them", async () => {
    aws.projects.add("ci-agents-image");
    aws.steps = [
      { currentPhase: `BUILD ${hostile}`, log: [hostile, "\u001b[32mgreen\u001b[0m"] },
      {
        currentPhase: "COMPLETED",
        buildStatus: "FAILED",
        phases: [{ phaseType: "BUILD", phaseStatus: "FAILED", contexts: [{ message: hostile }] }],
      },
    ];
    const outcome = await run("image", "build", "ci-agents");
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("\ngreen\n");
    // A line of the log is the build's own. AWS's words stay in the line that quotes them.
    expect(outcome.stderr.split("\n").filter((line) => line === "fleet: all is well")).toHaveLength(1);
    expect(printed(outcome)).not.toMatch(obeyed);
  });

  it("where AWS refuses", async () => {
    vendor = await startHttpFake(() => ({
      status: 400,
      headers: { "content-type": "application/x-amz-json-1.1" },
      json: { __type: "InvalidInputException", message: hostile },
    }));
    vi.stubEnv("AWS_ENDPOINT_URL_CODEBUILD", vendor.url);
    const outcome = await run("image", "build", "ci-agents");
    expect(outcome.stderr).toContain("\\u001b[2J");
    expect(outcome.stderr).not.toContain("\nfleet: all is well");
    expect(printed(outcome)).not.toMatch(obeyed);
  });
});
