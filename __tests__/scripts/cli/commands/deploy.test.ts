import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { fleet, type Outcome } from "../harness.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-deploy-"));
  // "app" stands on "hosts", which stands on "net"; "alone" on nothing.
  await synthesized({ app: ["hosts"], hosts: ["net"], net: [], alone: [] });
  await program("terraform");
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes stacks as a synth does: name → names of those that it depends on. */
async function synthesized(stacks: Readonly<Record<string, readonly string[]>>): Promise<void> {
  for (const name of Object.keys(stacks)) {
    const stack = join(folder, "cdktf.out/stacks", name);
    await mkdir(stack, { recursive: true });
    await writeFile(join(stack, "cdk.tf.json"), "{}");
    await writeFile(join(stack, "state"), name);
  }
  const entries = Object.entries(stacks).map(([name, dependencies]) => [
    name,
    { workingDirectory: `stacks/${name}`, dependencies },
  ]);
  const manifest = JSON.stringify({ version: "0.21.0", stacks: Object.fromEntries(entries) });
  await writeFile(join(folder, "cdktf.out/manifest.json"), manifest);
}

/** Puts a stand-in of Terraform on PATH. It notes each call, and `<command>-<stack>` in FAIL makes that call fail. */
async function program(name: string): Promise<void> {
  const file = join(folder, "bin", name);
  await mkdir(join(folder, "bin"), { recursive: true });
  const script = `#!/bin/sh
stack=\${PWD##*/}
echo "\${0##*/} $stack $*" >>"$LOG"
echo "out of $1 $stack"
case " $FAIL " in *" $1-$stack "*) echo "Error: no such zone" >&2; exit 3 ;; esac
`;
  await writeFile(file, script);
  await chmod(file, 0o755);
}

interface Called extends Outcome {
  /** One line a call: program, stack, arguments. */
  readonly calls: readonly string[];
}

async function call(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Called> {
  const log = join(folder, "log");
  await writeFile(log, "");
  const all = { PATH: join(folder, "bin"), LOG: log, FAIL: "", ...env };
  const outcome = await fleet([...args, "--no-synth"], { cwd: folder, env: all });
  return { ...outcome, calls: (await readFile(log, "utf8")).split("\n").slice(0, -1) };
}

const stacksOf = ({ calls }: Called, command: string) =>
  calls.map((line) => line.split(" ")).flatMap(([, stack, done]) => (done === command ? [stack] : []));

describe("fleet deploy", () => {
  it("applies a stack in its folder, without questions or colours where nobody sits", async () => {
    const { code, calls, stdout } = await call(["deploy", "alone", "--auto-approve"]);
    expect(code).toBe(0);
    expect(calls).toEqual([
      "terraform alone init -input=false -no-color",
      "terraform alone apply -input=false -no-color -auto-approve",
    ]);
    expect(stdout).toBe("out of init alone\nout of apply alone\nDeployed: alone.\n");
  });

  it("deploys stacks after those that they depend on, in whatever order they are named", async () => {
    const outcome = await call(["deploy", "app", "net", "hosts", "--auto-approve"]);
    expect(stacksOf(outcome, "apply")).toEqual(["net", "hosts", "app"]);
    const all = await call(["deploy", "*", "--auto-approve"]);
    expect(stacksOf(all, "apply")).toEqual(["net", "hosts", "app", "alone"]);
  });

  it("says which stacks must be there already", async () => {
    const { code, stderr } = await call(["deploy", "app", "--auto-approve"]);
    expect(code).toBe(0);
    expect(stderr).toContain("app depends on hosts, which must be deployed already.");
  });

  it("stops at the first failure, shows its cause and says what is done", async () => {
    const outcome = await call(["deploy", "*", "--auto-approve"], { FAIL: "apply-hosts" });
    expect(outcome.code).toBe(1);
    expect(stacksOf(outcome, "apply")).toEqual(["net", "hosts"]);
    expect(outcome.stderr).toContain("Error: no such zone\n");
    expect(outcome.stderr).toContain("-auto-approve failed with exit code 3.");
    expect(outcome.stderr).toContain("Deployed: net.");
  });

  it("applies nothing whose initialization fails, as after a change of the backend", async () => {
    const outcome = await call(["deploy", "alone", "--auto-approve"], { FAIL: "init-alone" });
    expect(outcome.code).toBe(1);
    expect(stacksOf(outcome, "apply")).toEqual([]);
    expect(outcome.calls.join()).not.toMatch(/reconfigure|migrate-state/);
  });

  it("gives results as JSON on stdout and everything else on stderr", async () => {
    const { stdout, stderr } = await call(["deploy", "hosts", "net", "--auto-approve", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ deployed: ["net", "hosts"] });
    expect(stderr).toContain("out of apply net");
  });

  it("moves the state to another backend only when told to, and answers no question of Terraform's", async () => {
    const { calls } = await call(["deploy", "alone", "--auto-approve", "--migrate-state"]);
    expect(calls[0]).toBe("terraform alone init -input=false -no-color -migrate-state");
  });

  it("moves providers to newer versions only when asked", async () => {
    const { calls } = await call(["deploy", "alone", "--auto-approve", "--upgrade"]);
    expect(calls[0]).toBe("terraform alone init -input=false -no-color -upgrade");
  });
});

describe("what follows a deploy", () => {
  const given = { vendor: "{ type: hcp-terraform, organization: acme, agentPool: aws }", more: "" };
  let aws: AwsSecretsFake;
  beforeEach(async () => {
    aws = await startAwsSecretsFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await aws.close();
  });

  /** Deploys a fleet that has made these secrets. */
  async function deployFleet(secrets: readonly string[], { vendor, more } = given, env = {}) {
    const config = `kind: ecs-fleet\nregion: us-west-2\nvendor: ${vendor}\n${more}`;
    await mkdir(join(folder, "config"), { recursive: true });
    await writeFile(join(folder, "config/alone.yaml"), config);
    const made = secrets.map((name) => [name, { name: `agent-fleets/alone/${name}` }]);
    const resource = { aws_secretsmanager_secret: Object.fromEntries(made) };
    await writeFile(join(folder, "cdktf.out/stacks/alone/cdk.tf.json"), JSON.stringify({ resource }));
    return call(["deploy", "alone", "--auto-approve"], env);
  }

  it("is to make the agents' token and set the other secrets that have no value, then to look at the fleet", async () => {
    aws.secrets.set("agent-fleets/alone/agent-token", "");
    aws.secrets.set("agent-fleets/alone/api-token", "");
    aws.secrets.set("agent-fleets/alone/notification-token", "canary");
    const { code, stdout } = await deployFleet(["agent-token", "api-token", "notification-token"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /Deployed: alone\.\nNext:\n {2}fleet hcp token create --store alone --create-pool\n {2}fleet secret set alone api-token\n {2}fleet status alone\n$/,
    );
  });

  it("is a look at the fleet once all secrets have values, called as the person called fleet", async () => {
    aws.secrets.set("agent-fleets/alone/agent-token", "canary");
    const { stdout } = await deployFleet(["agent-token"], given, { npm_lifecycle_event: "fleet" });
    expect(stdout).toMatch(/Next:\n {2}npm run fleet -- status alone\n$/);
  });

  it("begins with the image where the stack builds one", async () => {
    const vendor = "{ type: azure-devops, organization: acme, poolName: aws, poolId: 1 }";
    const { stdout } = await deployFleet([], { vendor, more: "" });
    expect(stdout).toMatch(/Next:\n {2}fleet image build alone\n {2}fleet status alone\n$/);
  });

  it("is the list of secrets where AWS does not say which have a value: the deploy has succeeded", async () => {
    aws.fail({ answer: { status: 400, json: { __type: "AccessDeniedException", message: "no" } }, times: Infinity });
    const { code, stdout } = await deployFleet(["agent-token"]);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("  fleet secret list alone\n") });
  });

  it("is nothing for a stack without agents, and after a plan the deploy", async () => {
    expect((await call(["deploy", "net", "--auto-approve"])).stdout).toMatch(/Deployed: net\.\n$/);
    expect((await call(["diff", "net", "alone"])).stdout).toMatch(
      /Planned: net, alone\.\nNext:\n {2}fleet deploy net alone\n$/,
    );
    expect((await call(["destroy", "alone", "--auto-approve"])).stdout).toMatch(/Destroyed: alone\.\n$/);
  });
});

describe("fleet diff", () => {
  it("plans every stack even after a failure, and fails then", async () => {
    const outcome = await call(["diff", "*"], { FAIL: "plan-net" });
    expect(outcome.code).toBe(1);
    expect(stacksOf(outcome, "plan")).toEqual(["net", "hosts", "app", "alone"]);
    expect(outcome.stderr).toContain("Error: no such zone\n");
    expect(outcome.stderr).toContain("Planned: hosts, app, alone.");
    expect(await call(["diff", "net"])).toMatchObject({ code: 0 });
  });
});

describe("fleet destroy", () => {
  it("destroys stacks before those that they depend on", async () => {
    const outcome = await call(["destroy", "net", "hosts", "app", "--auto-approve"]);
    expect(outcome.code).toBe(0);
    expect(stacksOf(outcome, "destroy")).toEqual(["app", "hosts", "net"]);
  });

  it("destroys nothing that a stack depends on which is not named", async () => {
    const refused = await call(["destroy", "net", "--auto-approve"]);
    expect(refused).toMatchObject({ code: 1, calls: [] });
    expect(refused.stderr).toContain("These stacks depend on what is to be destroyed: hosts.");
    const forced = await call(["destroy", "net", "--auto-approve", "--ignore-missing-stack-dependencies"]);
    expect(stacksOf(forced, "destroy")).toEqual(["net"]);
  });

  it("destroys a stack whose config is gone, from the files of the last synth", async () => {
    await synthesized({ net: [] });
    const outcome = await call(["destroy", "alone", "--auto-approve"]);
    expect(stacksOf(outcome, "destroy")).toEqual(["alone"]);
    expect(await call(["deploy", "alone", "--auto-approve"])).toMatchObject({ code: 1, calls: [] });
  });

  it("leaves folder and state where they are", async () => {
    await call(["destroy", "*", "--auto-approve"]);
    await call(["destroy", "*", "--auto-approve"], { FAIL: "destroy-app" });
    for (const name of ["app", "hosts", "net", "alone"]) {
      expect(await readFile(join(folder, "cdktf.out/stacks", name, "state"), "utf8")).toBe(name);
    }
  });
});

describe("fleet deploy, diff and destroy", () => {
  it.each(["deploy", "destroy"])("%s changes nothing where nobody can approve", async (command) => {
    const { code, stderr, calls } = await call([command, "alone"]);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
    expect(stderr).toContain("Add --auto-approve.");
  });

  it.each(["deploy", "diff", "destroy"])("%s knows the stack that a typo means", async (command) => {
    const approved = command === "diff" ? [] : ["--auto-approve"];
    const { code, stderr, calls } = await call([command, "alon", ...approved]);
    expect({ code, calls }).toEqual({ code: 1, calls: [] });
    expect(stderr).toContain('There is no stack "alon". Did you mean alone?\nStacks: app, hosts, net, alone');
  });

  it("says what to do before the first synth", async () => {
    const { code, stderr } = await call(["diff", "alone", "--output", "elsewhere"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Run npm run synth first.");
  });

  it("takes tofu where terraform is missing, and what a flag or the variable of cdktf chooses", async () => {
    await program("tofu");
    const programOf = ({ calls }: Called) => calls[0]?.split(" ")[0];
    expect(programOf(await call(["diff", "alone"]))).toBe("terraform");
    expect(programOf(await call(["diff", "alone"], { TERRAFORM_BINARY_NAME: "tofu" }))).toBe("tofu");
    expect(programOf(await call(["diff", "alone", "--terraform", "./bin/tofu"]))).toBe("tofu");
    await rm(join(folder, "bin/terraform"));
    expect(programOf(await call(["diff", "alone"]))).toBe("tofu");
    await rm(join(folder, "bin/tofu"));
    const { code, stderr } = await call(["diff", "alone"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Neither terraform nor tofu is on PATH.");
    expect((await call(["diff", "alone", "--terraform", "opentofu"])).stderr).toContain("no program opentofu");
  });
});
