import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type CheckWorld, startCheckWorld } from "../../../fakes/check-world.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";

const config = `kind: ecs-fleet
region: eu-west-1
vendor: { type: hcp-terraform, organization: acme, agentPool: aws, demand: notifications }
network: { vpcId: vpc-00000001, subnetIds: [subnet-0000000a, subnet-0000000b] }
agents: { min: 1 }
backend: { type: s3, bucket: our-states, region: eu-west-1 }
alarms: { emails: [ops@example.com] }
`;

const open: CheckWorld[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((world) => world.close()));
});

/** A folder with one fleet and a stand-in of Terraform in this version. */
function place(version = "1.14.0", text = config) {
  const cwd = folderWith({ "config/ci-agents.yaml": text });
  const program = join(cwd, "terraform");
  writeFileSync(program, `#!/bin/sh\n[ "$*" = "version -json" ] && echo '{"terraform_version":"${version}"}'\n`);
  chmodSync(program, 0o755);
  return { cwd, env: { PATH: `${cwd}:${process.env.PATH}`, AGENT_FLEETS_QUOTAS: "new" } };
}

async function inWorld(args: readonly string[], change: (world: CheckWorld) => void = () => {}) {
  const world = await startCheckWorld();
  open.push(world);
  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value);
  for (const name of ["agent-token", "notification-token"]) {
    world.kept.secrets.set(`agent-fleets/ci-agents/${name}`, "canary0123456789abcdef0123456789abcdef");
  }
  world.functions.add("ci-agents-autoscale");
  change(world);
  const { cwd, env } = place();
  return { world, ...(await fleet(["check", ...args], { cwd, env: { ...world.env, ...env } })) };
}

describe("fleet check", () => {
  it("says group by group that nothing is wrong, and what it cannot know", async () => {
    const { code, stdout, stderr } = await inWorld(["ci-agents"]);
    expect(stderr).toBe(
      "Checking ci-agents\nAsking AWS in eu-west-1 for the account and its quotas\nci-agents: secrets\n" +
        "ci-agents: vendor, images, network, instance types, webhook\n",
    );
    expect(stdout).toBe(`this machine and the configs: nothing is wrong, as far as a look before a deploy shows.

the account 123456789012 in eu-west-1: nothing is wrong, as far as a look before a deploy shows.

ci-agents: nothing is wrong, as far as a look before a deploy shows.

Not checked: Whether the pool exists: this fleet has no API token, as demand is notifications.
             Whether the agent token is of this pool: HCP Terraform shows no token again, only an
             agent can try it.
             Whether hashicorp/tfc-agent:1.30.2 exists: only ECR is asked.
`);
    expect(code).toBe(0);
  });

  it("ends with 1 for an error, and gives scripts all of it as JSON", async () => {
    const { code, stdout } = await inWorld(["--json"], ({ subnets }) => subnets.pop());
    const result = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(result).toMatchObject({ ok: false, complete: true, errors: 1, warnings: 0, unknown: 0 });
    expect(result.checked.map(({ title }: { title: string }) => title)).toEqual([
      "this machine and the configs",
      "the account 123456789012 in eu-west-1",
      "ci-agents",
    ]);
    expect(result.checked[2].findings).toMatchObject([
      {
        id: "subnet-missing",
        severity: "error",
        evidence: [expect.any(String)],
        todo: expect.any(String),
        runbook: null,
      },
    ]);
    expect(stdout).not.toContain("canary");
  });

  it("a part that it could not look at leaves the exit code 0, and is counted", async () => {
    const { code, stdout } = await inWorld([], ({ denied }) => denied.add("ec2:DescribeRouteTables"));
    expect(code).toBe(0);
    expect(stdout).toMatch(/ci-agents: 0 errors, 0 warnings, 1 part nobody could look at\n/);
    expect(stdout).toMatch(/UNKNOWN +Could not look at the subnets\. \(could-not-look\)/);
  });

  it("an account that nobody can log in to is an error", async () => {
    const { code, stdout } = await inWorld([], ({ denied }) => denied.add("sts:GetCallerIdentity"));
    expect(code).toBe(1);
    expect(stdout).toMatch(/ERROR +Nothing of the account could be looked at\. \(no-account\)/);
    expect(stdout).not.toContain("ci-agents: ");
  });

  it("--offline needs no account: configs, programs, and what a new account may not have", async () => {
    const { cwd, env } = place("1.10.9", config.replace("min: 1", "max: 20"));
    const { code, stdout } = await fleet(["check", "--offline"], { cwd, env });
    expect(code).toBe(1);
    expect(stdout).toMatch(/ERROR +\S+terraform is 1\.10\.9, and the stacks need >= 1\.11\.0/);
    expect(stdout).toMatch(/quota-of-a-new-account\)\n +seen +eu-west-1: up to 20 vCPU of Fargate/);
    expect(stdout).toMatch(/Not checked: The account and the vendor/);
  });

  it("warnings of a config are findings", async () => {
    const { cwd, env } = place("1.11.0", config.replace("min: 1", "min: 1, idleTimeoutSeconds: 0, singleUse: false"));
    const { code, stdout } = await fleet(["check", "ci-agents", "--offline"], { cwd, env });
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /config\/ci-agents\.yaml:\d+:\d+: agents\.idleTimeoutSeconds: is 0 while agents are not single-use/,
    );
  });

  it("alarms that reach nobody are one finding", async () => {
    const { cwd, env } = place("1.11.0", config.replace(/^alarms: .*$/m, ""));
    const { code, stdout } = await fleet(["check", "ci-agents", "--offline"], { cwd, env });
    expect(code).toBe(0);
    expect(stdout.match(/alarms of ci-agents reach nobody/g)).toHaveLength(1);
  });

  it("shows no warnings of configs that it does not name", async () => {
    const { cwd, env } = place("1.14.0");
    writeFileSync(join(cwd, "config/hosts.yaml"), "kind: ecs-cluster\nregion: eu-west-1\n");
    const one = await fleet(["check", "ci-agents", "--offline"], { cwd, env });
    expect(one).toMatchObject({ code: 0, stdout: expect.not.stringContaining("hosts.yaml") });
    const all = await fleet(["check", "--offline"], { cwd, env });
    expect(all.stdout).toContain("config/hosts.yaml:1:1: alarms: has no receiver");
  });

  it("a missing Terraform and a wrong config", async () => {
    const { cwd, env } = place();
    const without = { ...env, TERRAFORM_BINARY_NAME: "no-such-terraform" };
    const missing = await fleet(["check", "--offline"], { cwd, env: without });
    expect(missing.code).toBe(1);
    expect(missing.stdout).toMatch(/ERROR +A deploy needs Terraform or OpenTofu, and there is none/);
    const wrong = place("1.14.0", config.replace("eu-west-1", "nowhere"));
    const refused = await fleet(["check", "--offline"], { cwd: wrong.cwd, env: wrong.env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/The config is not valid:\nconfig\/ci-agents\.yaml:2:9: region: /);
  });
});
