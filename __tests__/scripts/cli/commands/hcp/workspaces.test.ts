import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FakePool } from "../../../../fakes/hcp-terraform/state.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import { fleet } from "../../harness.ts";

describe("fleet hcp workspaces set-agent-pool", () => {
  let fake: HcpTerraformFake;
  let pool: FakePool;

  beforeEach(async () => {
    fake = await startHcpTerraformFake();
    for (let index = 0; index < 250; index += 1) fake.state.addWorkspace(`prod-${index}`);
    pool = fake.state.addPool("aws");
  });
  afterEach(() => fake.close());

  const setAgentPool = (...args: string[]) =>
    fleet(["hcp", "workspaces", "set-agent-pool", "acme", ...args, "--json"], {
      env: { TOKEN: fake.token, TFE_ADDRESS: fake.url },
    });
  const onPool = () =>
    [...fake.state.workspaces.values()].filter(({ agentPoolId }) => agentPoolId === pool.id).map(({ name }) => name);
  const patches = () => fake.requests.filter(({ method }) => method === "PATCH").length;

  it("defect 9: reaches workspaces beyond the first page, and exactly those that are named", async () => {
    fake.state.addWorkspace("prod");
    const { code, stdout } = await setAgentPool("aws", "prod", "prod-249");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).workspaces).toEqual([
      { workspace: "prod", changed: true },
      { workspace: "prod-249", changed: true },
    ]);
    expect(onPool().sort()).toEqual(["prod", "prod-249"]);
  });

  it("defect 9: leaves alone a workspace that is named like the pool", async () => {
    const namesake = fake.state.addWorkspace("aws");
    await setAgentPool("aws", "prod-1");
    expect(namesake).toMatchObject({ executionMode: "remote", agentPoolId: undefined });
    expect(onPool()).toEqual(["prod-1"]);
  });

  it("defect 9: changes nothing the second time", async () => {
    await setAgentPool("aws", "prod-1", "prod-1");
    const { code, stdout } = await setAgentPool("aws", "prod-1");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).workspaces).toEqual([{ workspace: "prod-1", changed: false }]);
    expect(patches()).toBe(1);
  });

  it("defect 9: changes nothing and fails when a workspace or the pool is missing, naming all that are", async () => {
    const workspaces = await setAgentPool("aws", "prod-1", "nobody", "prod", "prod-2");
    expect(workspaces).toMatchObject({ code: 1, stdout: "" });
    expect(JSON.parse(workspaces.stderr.split("\n").at(-2) ?? "").error).toContain('"nobody", "prod"');
    const noPool = await setAgentPool("AWS", "prod-1");
    expect(noPool.code).toBe(1);
    expect(noPool.stderr).toContain("no agent pool named");
    expect(patches()).toBe(0);
  });

  it("shows people a table", async () => {
    const env = { TOKEN: fake.token };
    const { stdout } = await fleet(
      ["hcp", "workspaces", "set-agent-pool", "acme", "aws", "prod-3", "--host", fake.url],
      {
        env,
      },
    );
    expect(stdout).toMatch(/prod-3\s+│ set\s/);
  });
});
