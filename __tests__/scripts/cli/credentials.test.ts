import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../fakes/hcp-terraform.ts";
import { type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { folderWith } from "../../stacks/config/files.ts";
import { fleet } from "./harness.ts";

let hcp: HcpTerraformFake;
let ado: HttpFake;
let aws: AwsSecretsFake;
let cwd: string;

beforeEach(async () => {
  hcp = await startHcpTerraformFake();
  hcp.state.addWorkspace("ci", hcp.state.addPool("aws"));
  // For the list of assigned workspaces.
  aws = await startAwsSecretsFake();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  ado = await startHttpFake(({ path }) => ({
    status: 200,
    json: path.includes("/projects/") ? { id: "p" } : { value: [], resourceLimit: { totalCount: 900 } },
  }));
  cwd = folderWith({
    "config/ado.yaml": `kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: azure-devops, collectionUrl: "${ado.url}/Main", poolName: aws, webhook: { enabled: true } }\n`,
    "config/ci-agents.yaml":
      "kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\nbackend: { type: cloud, organization: acme, workspace: ci }\n",
    "cdktf.out/stacks/ci-agents/cdk.tf.json": "{}",
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  return Promise.all([hcp.close(), ado.close(), aws.close()]);
});

const commands: [command: string, needs: readonly string[]][] = [
  ["hcp token create acme --pool aws", ["TOKEN"]],
  ["hcp token delete at-1", ["TOKEN"]],
  ["hcp notifications add acme ci WEBHOOK --triggers minimal", ["HMAC_SALT", "TOKEN"]],
  ["hcp workspaces set-agent-pool acme aws ci", ["TOKEN"]],
  ["hcp workspaces assign ci-agents ci", ["TOKEN"]],
  ["hcp workspaces release ci-agents", ["TOKEN"]],
  ["hcp workspaces list ci-agents", ["TOKEN"]],
  ["hcp run ci-agents --plan-only", ["TOKEN"]],
  ["ado hook add ado WEBHOOK --project web", ["ADO_PAT", "HOOK_SECRET"]],
  ["ado hook remove ado WEBHOOK --project web", ["ADO_PAT"]],
  ["ado parallel-jobs ado", ["ADO_PAT"]],
];

describe.each(commands)("fleet %s", (command, needs) => {
  const host = command.startsWith("hcp") ? () => ["--host", hcp.url] : () => [];
  const values: Record<string, string> = {
    TOKEN: "test-token",
    HMAC_SALT: "canary-salt-1",
    ADO_PAT: "canary-pat-1",
    HOOK_SECRET: "canary-hook-1",
  };
  const run = (given: Parameters<typeof fleet>[1]) =>
    fleet([...command.replace("WEBHOOK", ado.url).split(" "), ...host()], { cwd, ...given });

  it("asks the person at the terminal for what it needs, and shows none of it", async () => {
    const { code, stdout, stderr } = await run({ typed: needs.map((name) => ` ${values[name]}\n`) });
    expect(stderr.match(/^\? \w+/gm)).toEqual(needs.map((name) => `? ${name}`));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    for (const name of needs) expect(stdout + stderr).not.toContain(values[name]);
  });

  it("asks nothing if the environment has it, as in scripts", async () => {
    const { code, stderr } = await run({ typed: [], env: values });
    expect(stderr).not.toContain("? ");
    expect(code).toBe(0);
  });

  it("fails before it calls anybody if nobody can answer", async () => {
    const { code, stderr } = await run({});
    expect(stderr).toContain(`The environment variable ${needs[0]} is not set.`);
    expect(code).toBe(1);
    expect([...hcp.requests, ...ado.requests, ...aws.requests]).toEqual([]);
  });

  it("does not take an empty answer", async () => {
    expect(await run({ typed: ["\n"] })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${needs[0]} is empty.`),
    });
  });
});
