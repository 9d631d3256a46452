import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../fakes/hcp-terraform.ts";
import { fleet, fleetProcess } from "./harness.ts";

describe("fleet as a process", () => {
  let fake: HcpTerraformFake;
  let aws: AwsSecretsFake;
  let folder: string;

  beforeEach(async () => {
    [fake, aws] = await Promise.all([startHcpTerraformFake(), startAwsSecretsFake()]);
    folder = await mkdtemp(join(tmpdir(), "fleet-test-"));
  });
  afterEach(async () => {
    await Promise.all([fake.close(), aws.close(), rm(folder, { recursive: true })]);
  });

  it("shows its commands, from whatever folder it is called", async () => {
    const { code, stdout, stderr } = await fleetProcess(["--help"], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of ["init", "deploy", "diff", "destroy", "outputs", "hcp", "ado", "secret", "image"])
      expect(stdout).toContain(command);
  });

  it("asks nothing without a terminal, and names the flags that are missing", async () => {
    const { code, stdout, stderr } = await fleetProcess(["init", "ci-agents"], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "fleet: Missing: --vendor <hcp-terraform|azure-devops|spacelift|semaphore>, --region, " +
        "--network <create|subnets|stack|cluster>, --backend <local|s3|cloud>.\n" +
        "Give these flags, or run the command at a terminal, where it asks.\n",
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it("defect 9: creates a token, prints it once, and leaves no temp file behind", async () => {
    fake.state.addPool("aws");
    const { code, stdout, stderr } = await fleetProcess(["hcp", "token", "create", "acme", "--pool", "aws", "--json"], {
      cwd: folder,
      env: { TOKEN: fake.token, TFE_ADDRESS: fake.url, TMPDIR: folder, HOME: folder, TSX_DISABLE_CACHE: "1" },
    });
    const [token] = [...fake.state.agentTokens.values()];
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ agent_token: token?.value, agent_token_id: token?.id });
    expect(stderr).not.toContain(token?.value);
    expect(await readdir(folder)).toEqual([]);
  });

  it("defect 9: exits with another code than 0 when the API refuses, and shows no stack trace", async () => {
    const { code, stdout, stderr } = await fleetProcess(["hcp", "token", "delete", "at-1"], {
      env: { TOKEN: "canary-wrong-token", TFE_ADDRESS: fake.url },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("answered 401");
    expect(stderr).toContain("Set TOKEN to an API token");
    expect(stderr).not.toMatch(/canary|\n {4}at /);
  });

  it("writes a secret from standard input through the AWS endpoint of the environment", async () => {
    aws.secrets.set("agent-fleets/hcp-minimal/agent-token", "");
    const { code, stdout, stderr } = await fleetProcess(["secret", "set", "hcp-minimal", "agent-token"], {
      env: { ...aws.env, AGENT_FLEETS_CONFIG: join(import.meta.dirname, "../../../config") },
      stdin: "canary-value\n",
    });
    expect(stderr).toContain("Writing agent-fleets/hcp-minimal/agent-token");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "agent-token of hcp-minimal is set (agent-fleets/hcp-minimal/agent-token).\n",
    });
    expect(aws.secrets.get("agent-fleets/hcp-minimal/agent-token")).toBe("canary-value");
    expect(stderr).not.toContain("canary");
  });
});

describe("fleet deploy as a process", () => {
  let folder: string;
  const fleetScript = join(import.meta.dirname, "../../../scripts/cli/fleet.js");
  const config = "kind: network\nregion: us-west-2\ncidr: 10.60.0.0/16\negress: single-nat\n";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-test-"));
    await writeFile(join(folder, "net.yaml"), config);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const terraform = (script: string) => writeFile(join(folder, "terraform"), `#!/bin/sh\n${script}`, { mode: 0o755 });
  const env = () => ({
    PATH: `${folder}:${process.env.PATH}`,
    AGENT_FLEETS_CONFIG: join(folder, "net.yaml"),
    TF_VAR_secret: "canary-value",
  });

  it("synthesizes first, then runs Terraform in the written folder with its variables", async () => {
    await terraform('test -f cdk.tf.json || exit 9\necho "$1: $TF_VAR_secret"\n');
    const { code, stdout, stderr } = await fleetProcess(["deploy", "net", "--auto-approve", "--output", "a/b"], {
      cwd: folder,
      env: env(),
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "init: canary-value\napply: canary-value\nDeployed: net.\n" });
    expect(stderr).toMatch(/^warning: backend\.type is local.*\n--- deploy net\n$/);
  });

  it("shows the errors of a config and runs no Terraform", async () => {
    await writeFile(join(folder, "net.yaml"), config.replace("region", "regoin"));
    await terraform("echo called");
    const { code, stdout, stderr } = await fleetProcess(["diff", "net"], { cwd: folder, env: env() });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("regoin");
    expect(stderr).toContain("The configs cannot be synthesized.");
  });

  it("leaves no state on a CI runner, unless the user wants it there", async () => {
    await terraform("echo called");
    const args = ["deploy", "net", "--auto-approve"];
    const runner = { ...env(), CI: "true" };
    const refused = await fleetProcess(args, { cwd: folder, env: runner });
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("the state of net is a file of this machine");
    const kept = { ...runner, AGENT_FLEETS_LOCAL_STATE: "allow" };
    expect(await fleetProcess(args, { cwd: folder, env: kept })).toMatchObject({ code: 0 });
  });

  it("warns of the named stacks alone, and refuses no stack for the local state of another one", async () => {
    await terraform("exit 0");
    const configs = join(folder, "configs");
    await mkdir(configs);
    await writeFile(join(configs, "mine.yaml"), `${config}backend: { type: s3, bucket: states, region: us-west-2 }\n`);
    await writeFile(join(configs, "example.yaml"), config);
    const runner = { ...env(), AGENT_FLEETS_CONFIG: configs, CI: "true" };
    const mine = await fleetProcess(["diff", "mine"], { cwd: folder, env: runner });
    expect(mine).toMatchObject({ code: 0, stderr: "--- diff mine\n" });
    const all = await fleetProcess(["diff", "*"], { cwd: folder, env: runner });
    expect(all.code).toBe(1);
    expect(all.stderr).toContain("the state of example is a file of this machine");
  });

  it("lets Terraform write its state when interrupted, and begins nothing else", async () => {
    await terraform(
      `[ "$1" = init ] && exit 0
trap 'echo "state is written"; exit 1' TERM
echo running >"${folder}/running"
while :; do sleep 0.1; done
`,
    );
    const child = spawn(process.execPath, [fleetScript, "diff", "net", "net"], { cwd: folder, env: env() });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    while (!(await readdir(folder)).includes("running")) {
      if (child.exitCode !== null) throw new Error(output);
      await setTimeout(50);
    }
    child.kill("SIGINT");
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    expect(code).toBe(1);
    expect(output).toMatch(/state is written\n(.|\n)*Interrupted\./);
  });
});

describe("fleet", () => {
  it.each([
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["hcp", "token", "create", "--frobnicate"], "unknown option '--frobnicate'"],
    [["hcp", "token", "delete"], "missing required argument 'id'"],
    [
      ["hcp", "notifications", "add", "acme", "prod", "https://x.example", "--triggers", "none"],
      "Allowed choices are all, minimal",
    ],
    [["hcp", "run", "ci", "--timeout-seconds", "soon"], "whole number"],
    [["secret", "set", "ci-agents", "agent-token", "canary-value"], "too many arguments"],
    [["secret", "set", "ci-agents", "agent-token", "canary-value"], "the value is never an argument: fleet asks"],
  ])("defect 9: fails on wrong usage: %j", async (args, message) => {
    const { code, stdout, stderr } = await fleet(args);
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  it.each([
    ["token", "create", "acme", "--pool", "aws"],
    ["token", "delete", "at-1"],
    ["token", "--help"],
    ["notifications", "add", "acme", "prod", "https://x.example"],
    ["workspaces", "set-agent-pool", "acme", "aws", "prod"],
    ["run", "ci"],
  ])("refuses the old spelling by the new one: %s %s", async (...args) => {
    const [old] = args;
    const error = `fleet ${old} is called fleet hcp ${old} now.`;
    const hint = `Use: fleet hcp ${old} …`;
    expect(await fleet(args)).toEqual({ code: 1, stdout: "", stderr: `fleet: ${error}\n${hint}\n` });
    for (const json of [
      [...args, "--json"],
      ["--json", ...args],
    ]) {
      const { code, stdout, stderr } = await fleet(json);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(JSON.parse(stderr)).toEqual({ error, hint });
    }
  });

  it.each([
    ["--host", "tfe.example"],
    ["--host=tfe.example"],
  ])("refuses the old place of --host by the new one: %s", async (...host) => {
    const { code, stderr } = await fleet([...host, "token", "delete", "at-1", "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: "fleet token is called fleet hcp token now.",
      hint: "Use: fleet hcp token … --host …",
    });
  });

  it.each([
    ["--host", "tfe.example", "hcp", "token", "delete", "at-1"],
    ["secret", "set", "ci", "agent-token", "--host", "tfe.example"],
    ["ado", "parallel-jobs", "ci", "--host", "tfe.example"],
  ])("knows --host among HCP Terraform's commands alone: %s %s %s", async (...args) => {
    const { code, stderr } = await fleet(args);
    expect(code).toBe(1);
    expect(stderr).toContain("unknown option '--host'");
  });

  it("lets stacks have the name of an old command", async () => {
    const { stderr } = await fleet(["secret", "set", "token", "agent-token"], {
      env: { AGENT_FLEETS_CONFIG: join(import.meta.dirname, "../../../config") },
    });
    expect(stderr).toContain('there is no stack "token"');
  });

  it.each([
    [["secret", "--json"], "No command is given."],
    [["nonsense", "--json"], "unknown command 'nonsense'"],
    [["secret", "set", "--json"], "missing required argument 'stack'"],
    [["image", "build", "ci", "--nonsense", "--json"], "unknown option '--nonsense'"],
  ])("%j fails with nothing but JSON on stderr", async (args, error) => {
    const { code, stdout, stderr } = await fleet(args);
    expect(JSON.parse(stderr)).toMatchObject({ error: expect.stringContaining(error) });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  it.each([
    [["deploy", "ci", "--region", "eu-west-1"], "The region of a stack is the key `region` of its config file."],
    [["status", "ci", "--profile=prod"], "The variable AWS_PROFILE chooses the AWS credentials."],
    [["deploy", "ci", "--auto-aprove"], "Did you mean --auto-approve?"],
    [["statsu"], "Did you mean status?"],
    [["hcp", "tokn", "list"], "Did you mean token?"],
  ])("helps with %j", async (args, advice) => {
    const { code, stderr } = await fleet(args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`\n${advice}\n(add --help for help)\n`);
    const json = JSON.parse((await fleet([...args, "--json"])).stderr);
    expect(json.hint).toMatch(/ Add --help for the commands, their arguments and options\.$/);
    expect(json.hint).toContain(advice);
  });

  it.each([
    ["deploy", "--frobnicate"],
    ["deploy", "--region-x"],
    ["xyz"],
  ])("suggests nothing that has little in common with %s %s", async (...args) => {
    const { stderr } = await fleet(args.filter(Boolean));
    expect(stderr).toMatch(/^error: unknown (option|command) '.*'\n\(add --help for help\)\n$/);
  });

  it("breaks errors at words where a person's terminal is narrow, and leaves commands whole", async () => {
    const args = ["secret", "set", "hcp-minimal"];
    const given = { env: { AGENT_FLEETS_CONFIG: join(import.meta.dirname, "../../../config") } };
    const onPipe = (await fleet(args, given)).stderr;
    const { stderr } = await fleet(args, { ...given, columns: 60 });
    expect(stderr.split("\n").length).toBeGreaterThan(onPipe.split("\n").length);
    for (const line of stderr.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
    expect(stderr.replaceAll("\n", " ")).toBe(onPipe.replaceAll("\n", " "));
    expect(stderr).toContain("fleet secret set hcp-minimal agent-token");
    const help = (await fleet(["init", "--help"], { columns: 60 })).stdout;
    expect(help).toMatch(/^ {2}fleet init shared --kind network --region eu-west-1 --backend local$/m);
  });

  it("names the stacks if none is given", async () => {
    const env = { AGENT_FLEETS_CONFIG: join(import.meta.dirname, "../../../config") };
    const { stderr } = await fleet(["logs"], { env });
    expect(stderr).toMatch(/missing required argument 'stack'\nStacks: azure-devops-full, .* and \d+ more\.\n/);
    const none = await fleet(["deploy"], { env: { AGENT_FLEETS_CONFIG: "/nothing" } });
    expect(none.stderr).toContain("To write one: fleet init");
  });

  it("fails and shows its help when called without a command", async () => {
    const { code, stderr } = await fleet([]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("Usage: fleet");
  });

  it("tells its version", async () => {
    expect(await fleet(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it.each(["TOKEN", "HMAC_SALT"])("says that %s is missing", async (variable) => {
    const env = { TOKEN: "test-token", HMAC_SALT: "test-key", [variable]: "" };
    const { code, stderr } = await fleet(["hcp", "notifications", "add", "acme", "prod", "https://x.example"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain(`The environment variable ${variable} is not set.`);
  });

  it.each([
    "http://tfe.example",
    "https://tfe.example/app",
    "ftp://tfe.example",
    "not a host",
  ])("sends no token to %s", async (host) => {
    const { code, stderr } = await fleet(["hcp", "token", "delete", "at-1", "--host", host], {
      env: { TOKEN: "test-token" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("is not an address of HCP Terraform");
  });

  it("explains failures in JSON where results are JSON, on stderr", async () => {
    const { code, stdout, stderr } = await fleet(["hcp", "token", "delete", "at-1", "--json"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(JSON.parse(stderr)).toEqual({
      error: "The environment variable TOKEN is not set.",
      hint: expect.stringContaining("API token"),
    });
  });
});
