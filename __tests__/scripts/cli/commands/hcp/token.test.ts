import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import { fleet } from "../../harness.ts";

describe("fleet hcp token", () => {
  let fake: HcpTerraformFake;
  let env: Record<string, string>;

  beforeEach(async () => {
    fake = await startHcpTerraformFake();
    env = { TOKEN: fake.token, TFE_ADDRESS: fake.url };
  });
  afterEach(() => fake.close());

  const tokens = () => [...fake.state.agentTokens.values()];

  it("creates a token for the pool of exactly this name, on whatever page it is", async () => {
    for (let index = 0; index < 250; index += 1) fake.state.addPool(`aws-${index}`);
    const pool = fake.state.addPool("aws");
    const { code, stdout } = await fleet(["hcp", "token", "create", "acme", "--pool", "aws", "--description", "mine"], {
      env,
    });
    expect(code).toBe(0);
    expect(tokens()).toMatchObject([{ poolId: pool.id, description: "mine" }]);
    expect(stdout.split(tokens()[0]?.value ?? "-")).toHaveLength(2);
    expect(stdout).toContain(tokens()[0]?.id);
  });

  it("creates the pool only when asked to", async () => {
    const create = ["hcp", "token", "create", "acme", "--pool", "aws"];
    const refused = await fleet(create, { env });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('has no agent pool named "aws"');
    expect(refused.stderr).toContain("--create-pool");
    expect(fake.state.pools.size).toBe(0);
    expect(await fleet([...create, "--create-pool"], { env })).toMatchObject({ code: 0 });
    expect(await fleet([...create, "--create-pool"], { env })).toMatchObject({ code: 0 });
    expect(fake.state.pools.size).toBe(1);
  });

  it("says what is missing", async () => {
    expect((await fleet(["hcp", "token", "create"], { env })).stderr).toContain("The organization is missing.");
    expect((await fleet(["hcp", "token", "create", "acme"], { env })).stderr).toContain("The agent pool is missing.");
  });

  it("defect 9: deletes a token, and says so when there is none, twice the same", async () => {
    const id = "at-00000009";
    fake.state.agentTokens.set(id, { id, poolId: "apool-1", description: "", value: "canary", createdAt: "" });
    const deletion = ["hcp", "token", "delete", id, "--json"];
    expect(JSON.parse((await fleet(deletion, { env })).stdout)).toEqual({ agent_token_id: id, deleted: true });
    const again = await fleet(deletion, { env });
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toEqual({ agent_token_id: id, deleted: false });
    expect((await fleet(["hcp", "token", "delete", id], { env })).stdout).toContain("was not found");
  });

  describe("--store", () => {
    let aws: AwsSecretsFake;
    let cwd: string;
    const secret = "agent-fleets/ci-agents/agent-token";

    beforeEach(async () => {
      aws = await startAwsSecretsFake();
      for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
      cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
      const config = `kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws, address: "${fake.url}" }\n`;
      await writeFile(join(cwd, "ci-agents.yaml"), config);
      env = { TOKEN: fake.token, AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
      fake.state.addPool("aws");
    });
    afterEach(async () => {
      vi.unstubAllEnvs();
      await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
    });

    it("puts the value into the stack's secret and shows only the id", async () => {
      aws.secrets.set(secret, "");
      const { code, stdout, stderr } = await fleet(["hcp", "token", "create", "--store", "ci-agents", "--json"], {
        env,
        cwd,
      });
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toEqual({ agent_token_id: tokens()[0]?.id, stored_in: secret });
      expect(aws.secrets.get(secret)).toBe(tokens()[0]?.value);
      expect(stdout + stderr).not.toContain("canary");
    });

    it("leaves no token behind that nobody knows when it cannot be stored", async () => {
      const { code, stderr } = await fleet(["hcp", "token", "create", "--store", "ci-agents"], { env, cwd });
      expect(code).toBe(1);
      expect(stderr).toContain(`This AWS identity sees no secret ${secret} in eu-west-1`);
      expect(stderr).toContain("cdktf deploy ci-agents");
      expect(tokens()).toEqual([]);
    });
  });
});
