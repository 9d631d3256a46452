import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isStrongKey } from "../../../../stacks/config/key-strength.ts";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { createDrainWorld, type DrainWorld } from "../drain-world.ts";
import { fleet } from "../harness.ts";

const secretId = (name: string) => `agent-fleets/ci-agents/${name}`;

let world: DrainWorld;
let secrets: AwsSecretsFake;
let hcp: HcpTerraformFake;
let decisions: number;
let cwd: string;

beforeEach(async () => {
  world = await createDrainWorld();
  world.putPool();
  secrets = await startAwsSecretsFake();
  hcp = await startHcpTerraformFake();
  for (const [name, value] of Object.entries(secrets.env)) vi.stubEnv(name, value);
  for (const name of ["agent-token", "api-token", "notification-token"]) {
    secrets.secrets.set(secretId(name), "old");
    secrets.written.set(secretId(name), world.clock.now().getTime() / 1000);
  }
  hcp.state.addPool("aws");
  cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  await config();
  decisions = 0;
  world.extra.push(({ headers }) =>
    String(headers["x-amz-target"]).startsWith("Logs_")
      ? { status: 200, json: { events: Array.from({ length: decisions }, () => ({ message: "decision" })) } }
      : undefined,
  );
});
afterEach(async () => {
  await world.close();
  await Promise.all([secrets.close(), hcp.close(), rm(cwd, { recursive: true })]);
});

function config(more = "", pool = "aws"): Promise<void> {
  const vendor = `{ type: hcp-terraform, organization: acme, agentPool: ${pool} }`;
  return writeFile(join(cwd, "ci-agents.yaml"), `kind: ecs-fleet\nregion: eu-west-1\nvendor: ${vendor}\n${more}`);
}

function rotate(args: readonly string[], stdin = "") {
  let at = 0;
  const sleep = async (milliseconds: number) => {
    await world.clock.sleep(milliseconds);
    await world.steps[Math.min(at, world.steps.length - 1)]?.();
    at += 1;
  };
  const env = { TOKEN: hcp.token, TFE_ADDRESS: hcp.url, AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
  return fleet(["secret", "rotate", "ci-agents", ...args], { cwd, env, stdin, clock: { now: world.clock.now, sleep } });
}

/** A token that was made so long before the world's present. */
function addToken(id: string, description: string, minutesAgo: number, lastUsedAt?: string) {
  const [pool] = hcp.state.pools.keys();
  const createdAt = new Date(world.clock.now().getTime() - minutesAgo * 60_000).toISOString();
  hcp.state.agentTokens.set(id, { id, poolId: pool ?? "", description, value: `canary-${id}`, createdAt, lastUsedAt });
}
const tokens = () => [...hcp.state.agentTokens.keys()];
const stored = (name: string) => secrets.secrets.get(secretId(name));

describe("fleet secret rotate of a token of HCP Terraform's agents", () => {
  it("makes one, waits until no agent has the old one, and revokes that, and no other", async () => {
    addToken("at-old", "agent-fleets ci-agents", 1000);
    addToken("at-other", "somebody's", 1000);
    const task = world.addTask("ci_old");
    world.steps.push(
      () => expect(tokens()).toContain("at-old"),
      () => world.endTask(task),
    );
    const { code, stdout, stderr } = await rotate(["agent-token", "--json"]);
    expect(code).toBe(0);
    const [, made] = tokens();
    expect(JSON.parse(stdout)).toMatchObject({
      secret: "agent-token",
      new_token_id: made,
      revoked: ["at-old"],
      next: expect.stringContaining("at-other (somebody's)"),
    });
    expect(tokens()).toEqual(["at-other", made]);
    expect(stored("agent-token")).toBe(hcp.state.agentTokens.get(made ?? "")?.value);
    expect(stderr).toContain("1 agents still have the value from before: ci_old");
    expect(stdout + stderr).not.toContain("canary");
  });

  it("revokes nothing while an agent has the old one, and finishes later", async () => {
    addToken("at-old", "agent-fleets ci-agents", 1000);
    const task = world.addTask("ci_old");
    const first = await rotate(["agent-token", "--timeout", "10m"]);
    expect([first.code, tokens().length]).toEqual([1, 2]);
    expect(first.stderr).toContain("so both work.\nTo go on: fleet secret rotate ci-agents agent-token --finish");
    world.endTask(task);
    const { code, stdout } = await rotate(["agent-token", "--finish", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { new_token_id: null, revoked: ["at-old"], next: null }]);
    expect(tokens()).toHaveLength(1);
  });

  it("keeps a token that somebody has just used", async () => {
    addToken("at-old", "agent-fleets ci-agents", 1000, world.clock.now().toISOString());
    const { stdout } = await rotate(["agent-token", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ revoked: [], next: expect.stringContaining("at-old") });
    expect(tokens()).toContain("at-old");
  });

  it("revokes nothing where nobody can say which one is stored", async () => {
    addToken("at-one", "agent-fleets ci-agents", 1000);
    addToken("at-two", "agent-fleets ci-agents", 900);
    const { code, stderr } = await rotate(["agent-token", "--finish"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Nobody can say which token")]);
    expect(tokens()).toEqual(["at-one", "at-two"]);
  });

  it("takes no token for its own that somebody made for a pool of the stack's name", async () => {
    await config("", "ci-agents");
    hcp.state.pools.clear();
    hcp.state.addPool("ci-agents");
    addToken("at-old", "agent-fleets ci-agents", 1000);
    expect((await rotate(["agent-token"])).code).toBe(0);
    expect(tokens()).toContain("at-old");
  });

  it("leaves revoking to a person where other stacks may read the secret", async () => {
    const arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:shared-AbCdEf";
    await config(`secrets: { agentToken: { arn: "${arn}" } }\n`);
    secrets.secrets.set(arn, "old");
    addToken("at-old", "agent-fleets ci-agents", 1000);
    const { stdout } = await rotate(["agent-token", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ revoked: [], next: expect.stringContaining("other stacks may use") });
    expect(tokens()).toContain("at-old");
  });

  it("deletes the new token again where it cannot be stored, and the old one works on", async () => {
    secrets.secrets.delete(secretId("agent-token"));
    addToken("at-old", "agent-fleets ci-agents", 1000);
    const { code, stderr } = await rotate(["agent-token"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("could not be stored, and was deleted")]);
    expect(tokens()).toEqual(["at-old"]);
  });

  it("keeps both tokens where nobody knows whether the new one is stored", async () => {
    addToken("at-old", "agent-fleets ci-agents", 1000);
    secrets.fail({
      when: ({ headers }) => String(headers["x-amz-target"]).endsWith("PutSecretValue"),
      answer: { status: 500, json: { __type: "InternalServiceError", message: "down" } },
    });
    const { code, stderr } = await rotate(["agent-token"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("Nobody knows whether the new token")]);
    expect(tokens()).toHaveLength(2);
  }, 60_000);
});

describe("fleet secret rotate of other secrets", () => {
  it("makes a strong key for the webhook, keeps the one from before, and says who needs the new one", async () => {
    const { code, stdout, stderr } = await rotate(["notification-token", "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { next: expect.stringContaining("fleet hcp notifications add --stack ci-agents") },
    ]);
    expect(isStrongKey(stored("notification-token") ?? "")).toBe(true);
    expect(secrets.previous.get(secretId("notification-token"))).toBe("old");
    expect(stdout + stderr).not.toContain(stored("notification-token"));
  });

  it.each([
    [
      "hook-secret",
      "ecs-fleet",
      "type: azure-devops, organization: acme, poolName: aws, webhook: { enabled: true }",
      "fleet ado hook add",
    ],
    [
      "webhook-secret",
      "ec2-fleet",
      "type: spacelift, workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP, endpoint: https://acme.example, apiKeyId: 01KEY, webhook: { enabled: true }",
      "fleet spacelift webhook add ci-agents",
    ],
  ])("names the command that gives %s to the senders", async (name, kind, vendor, command) => {
    await writeFile(join(cwd, "ci-agents.yaml"), `kind: ${kind}\nregion: eu-west-1\nvendor: { ${vendor} }\n`);
    secrets.secrets.set(secretId(name), "old");
    const { code, stdout } = await rotate([name, "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { next: expect.stringContaining(`24 hours: ${command}.`) }]);
  });

  it("asks for a token of the loop, and waits until the loop has decided with it", async () => {
    world.steps.push(() => {
      decisions = world.clock.now().getTime() > Date.UTC(2026, 0, 1, 0, 10) ? 1 : 0;
    });
    const { code, stdout, stderr } = await rotate(["api-token"], "new-token\n");
    expect([code, stored("api-token")]).toEqual([0, "new-token"]);
    expect(stderr).toMatch(/within six minutes[\s\S]*the loop has not decided with the new value yet/);
    expect(stdout).toContain("Next: nothing of the fleet uses the old value any more: revoke it at the vendor.");
    expect(stdout + stderr).not.toContain("new-token");
  });

  it("says how to go back where the loop does not decide any more", async () => {
    const { code, stderr } = await rotate(["api-token", "--timeout", "10m"], "new-token");
    expect([code, stderr]).toEqual([1, expect.stringContaining("set the old one again with fleet secret set")]);
  });

  it.each([
    [["api-token"], "", "The value is empty"],
    [["nothing"], "x", "no secret named"],
    [["notification-token", "--finish"], "", "needs no --finish"],
    [["api-token", "--timeout", "soon"], "x", "no length of time"],
  ])("refuses %j, and changes nothing", async (args, stdin, message) => {
    expect(await rotate(args, stdin)).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect([stored("api-token"), stored("notification-token")]).toEqual(["old", "old"]);
  });

  it("says how it is called", async () => {
    expect((await rotate(["--help"])).stdout).toContain("fleet secret rotate ci-agents agent-token --finish");
  });
});
