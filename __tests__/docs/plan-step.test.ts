import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { commandPath } from "../agents/ec2/host.ts";
import { synthesize } from "../stacks/synth.ts";

const { jobs } = parse(readFileSync(".github/workflows/deploy.yml", "utf8"));
const scriptOf = (job: string, part: string): string =>
  jobs[job].steps.map(({ run = "" }) => run).find((run: string) => run.includes(part)) ?? expect.unreachable();

const canRun = ["bash", "jq", "openssl"].every(commandPath);
if (!canRun) process.stderr.write("SKIPPED: the scripts of deploy.yml need bash, jq and openssl\n");

/** Runs a script of the workflow over synthesized stacks. */
function run(script: string, stacks: Readonly<Record<string, object>>, env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "workflow-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, stack] of Object.entries(stacks)) {
    mkdirSync(join(folder, "cdktf.out/stacks", name), { recursive: true });
    writeFileSync(join(folder, "cdktf.out/stacks", name, "cdk.tf.json"), JSON.stringify(stack));
  }
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/npm"), '#!/bin/bash\necho "$@"\nenv | grep ^TF_VAR_ || true\n', { mode: 0o755 });
  writeFileSync(join(folder, "output"), "");
  const { status, stdout, stderr } = spawnSync("bash", ["-eo", "pipefail", "-c", script], {
    cwd: folder,
    encoding: "utf8",
    env: {
      PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}`,
      RUNNER_TEMP: folder,
      GITHUB_OUTPUT: join(folder, "output"),
      ...env,
    },
  });
  return { status, stdout, stderr, output: readFileSync(join(folder, "output"), "utf8") };
}

const plain = { terraform: { backend: { s3: {} } }, provider: { aws: [{}] }, variable: { token: { ephemeral: true } } };

describe.skipIf(!canRun)("what the shipped workflow plans with a pull request", () => {
  const script = scriptOf("synth", "plannable");

  it("is every stack that needs no secret for it", () => {
    const { status, output, stdout } = run(script, {
      plain,
      "with-cloud": { ...plain, terraform: { cloud: { organization: "acme" } } },
      "with-remote": { ...plain, terraform: { backend: { remote: {} } } },
      "with-tfe": { ...plain, provider: { ...plain.provider, tfe: [{}] } },
      "with-proof": { ...plain, ephemeral: { aws_secretsmanager_secret_version: { stored: {} } } },
    });
    expect({ status, output }).toEqual({ status: 0, output: 'plannable=["plain"]\n' });
    expect(stdout.match(/::notice::/g)).toHaveLength(4);
    expect(stdout).toContain("::notice::with-tfe is not planned here: its plan needs a secret");
  });

  it("knows the stacks that we make by their JSON", () => {
    const hcp = { type: "hcp-terraform", organization: "acme", agentPool: "aws" };
    const fleet = (changes: object) => synthesize({ kind: "ec2-fleet", region: "us-west-2", ...changes });
    const given = {
      agentToken: { variable: "tfc_agent_token" },
      notificationToken: { variable: "notification_token" },
    };
    const ofHcp = (changes: object) => fleet({ kind: "ecs-fleet", vendor: hcp, secrets: given, ...changes });
    const stacks = {
      "by-variable": ofHcp({}),
      managed: ofHcp({ vendor: { ...hcp, manage: { notifications: { workspaces: ["networking"] } } } }),
      "in-cloud": ofHcp({ backend: { type: "cloud", organization: "acme", workspace: "ci" } }),
      "in-bucket": fleet({
        vendor: { type: "semaphore", organization: "acme" },
        backend: { type: "s3", bucket: "acme-state" },
      }),
    };
    expect(run(script, stacks).output).toBe('plannable=["by-variable","in-bucket"]\n');
    // A plan keeps no value of a variable, whatever it is.
    const variables: Record<string, { ephemeral?: boolean }> = stacks["by-variable"].variable ?? {};
    expect(Object.keys(variables).sort()).toEqual(["notification_token", "tfc_agent_token"]);
    for (const { ephemeral } of Object.values(variables)) expect(ephemeral).toBe(true);
  });

  it("may be nothing", () => {
    const { output } = run(script, { "with-tfe": { provider: { tfe: [{}] } } });
    expect(output).toBe("plannable=[]\n");
    expect(jobs.diff.if).toContain("needs.synth.outputs.plannable != '[]'");
  });

  it("gets a random value for each variable: strong enough where a key must be", () => {
    const variable = { tfc_agent_token: {}, notification_token: {} };
    const { status, stdout } = run(scriptOf("diff", "TF_VAR_"), { ci: { ...plain, variable } }, { STACK: "ci" });
    expect(status).toBe(0);
    const [command, ...variables] = stdout.trim().split("\n");
    expect(command).toBe("run fleet -- diff ci");
    expect(variables.sort()).toEqual([
      expect.stringMatching(/^TF_VAR_notification_token=[0-9a-f]{64}$/),
      expect.stringMatching(/^TF_VAR_tfc_agent_token=[0-9a-f]{64}$/),
    ]);
  });

  it("needs no value for a stack without variables", () => {
    const { variable: _, ...without } = plain;
    expect(run(scriptOf("diff", "TF_VAR_"), { ci: without }, { STACK: "ci" }).stdout).toBe("run fleet -- diff ci\n");
  });
});
