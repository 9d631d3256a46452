import { createHmac } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../../fakes/aws-secrets.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../../fakes/hcp-terraform.ts";
import { type FakeRequest, type HttpFake, startHttpFake } from "../../../../fakes/http-fake.ts";
import { fleet } from "../../harness.ts";

const key = "canary-hmac-key";

function isSigned({ body, headers }: FakeRequest): boolean {
  return headers["x-tfe-notification-signature"] === createHmac("sha512", key).update(body).digest("hex");
}

describe("fleet hcp notifications add", () => {
  let fake: HcpTerraformFake;
  let webhook: HttpFake;

  beforeEach(async () => {
    fake = await startHcpTerraformFake();
    webhook = await startHttpFake((request) => ({ status: isSigned(request) ? 200 : 401 }));
    for (let index = 0; index < 250; index += 1) fake.state.addWorkspace(`prod-${index}`);
  });
  afterEach(() => Promise.all([fake.close(), webhook.close()]));

  const add = (args: readonly string[], salt = key) =>
    fleet(["hcp", "notifications", "add", "acme", ...args], {
      env: { TOKEN: fake.token, HMAC_SALT: salt, TFE_ADDRESS: fake.url },
    });
  const saved = () => [...fake.state.notifications.values()];

  it("defect 9: reaches workspaces beyond the first page, with all triggers of a run's life", async () => {
    const { code, stdout, stderr } = await add(["prod-0", "prod-249", webhook.url]);
    expect(code).toBe(0);
    expect(saved()).toHaveLength(2);
    expect(saved()[1]).toMatchObject({
      workspaceId: [...fake.state.workspaces.values()].find(({ name }) => name === "prod-249")?.id,
      url: webhook.url,
      enabled: true,
      triggers: ["run:created", "run:planning", "run:needs_attention", "run:applying", "run:completed", "run:errored"],
    });
    expect(stdout).toMatch(/prod-249\s+│ created/);
    expect(stdout + stderr).not.toContain(key);
  });

  it("defect 9: updates what is there instead of adding a second, also after 19 others", async () => {
    const [workspace] = [...fake.state.workspaces.values()];
    for (let index = 0; index < 19; index += 1) {
      const id = `nc-other-${index}`;
      const other = { name: id, url: `https://other-${index}.example`, token: "", triggers: [], enabled: true };
      fake.state.notifications.set(id, { id, workspaceId: workspace?.id ?? "", ...other });
    }
    await add(["prod-0", webhook.url]);
    const { code, stdout } = await add(["prod-0", webhook.url, "--triggers", "minimal", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).workspaces).toEqual([{ workspace: "prod-0", result: "updated" }]);
    const ours = saved().filter(({ url }) => url === webhook.url);
    expect(ours).toMatchObject([{ triggers: ["run:created", "run:completed", "run:errored"] }]);
  });

  it("defect 9: fails when the webhook refuses the handshake, and says for which workspaces and why", async () => {
    const { code, stdout, stderr } = await add(["prod-0", "prod-1", webhook.url, "--json"], "another-key");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).workspaces).toMatchObject([
      { workspace: "prod-0", result: "failed", reason: expect.stringContaining("answered with 401") },
      { workspace: "prod-1", result: "failed" },
    ]);
    expect(stderr).toContain("2 of 2 workspaces could not be set up");
    expect(saved()).toEqual([]);
  });

  it("goes on with the other workspaces when one is full", async () => {
    const [workspace] = [...fake.state.workspaces.values()];
    for (let index = 0; index < 20; index += 1) {
      const id = `nc-other-${index}`;
      const other = { name: id, url: `https://other-${index}.example`, token: "", triggers: [], enabled: true };
      fake.state.notifications.set(id, { id, workspaceId: workspace?.id ?? "", ...other });
    }
    const { code, stdout } = await add(["prod-0", "prod-1", webhook.url, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).workspaces).toMatchObject([
      { workspace: "prod-0", result: "failed", reason: expect.stringContaining("Too many") },
      { workspace: "prod-1", result: "created" },
    ]);
  });

  it("changes nothing when a workspace is missing", async () => {
    const { code, stderr } = await add(["prod-0", "prod", webhook.url]);
    expect(code).toBe(1);
    expect(stderr).toContain('no workspace named "prod"');
    expect(saved()).toEqual([]);
  });

  it.each([
    [["prod-0", "http://webhook.example"], "must be the webhook's https URL"],
    [["prod-0", "prod-1"], "must be the webhook's https URL"],
    [["prod-0", "https://webhook.example/run-task"], "Give the stack's output webhook_url"],
    [["https://webhook.example"], "No workspace is named."],
  ])("refuses %j", async (args, message) => {
    const { code, stderr } = await add(args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(fake.requests).toEqual([]);
  });
});

describe("fleet hcp notifications add --stack", () => {
  const secretId = "agent-fleets/ci-agents/notification-token";
  let fake: HcpTerraformFake;
  let webhook: HttpFake;
  let aws: AwsSecretsFake;
  let cwd: string;

  beforeEach(async () => {
    fake = await startHcpTerraformFake();
    webhook = await startHttpFake((request) => ({ status: isSigned(request) ? 200 : 401 }));
    aws = await startAwsSecretsFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    aws.secrets.set(secretId, ` ${key}\n`);
    for (const name of ["prod", "dev"]) fake.state.addWorkspace(name);
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
    const stacks = { "ci-agents": { workingDirectory: "stacks/ci-agents", dependencies: [] } };
    await mkdir(join(cwd, "cdktf.out/stacks/ci-agents"), { recursive: true });
    await writeFile(join(cwd, "cdktf.out/manifest.json"), JSON.stringify({ stacks }));
    await config("api");
    await terraform({ webhook_url: { sensitive: false, type: "string", value: webhook.url } });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([fake.close(), webhook.close(), aws.close(), rm(cwd, { recursive: true })]);
  });

  function config(demand: string, more = ""): Promise<void> {
    const vendor = `{ type: hcp-terraform, organization: acme, agentPool: aws, demand: ${demand} }`;
    return writeFile(join(cwd, "ci-agents.yaml"), `kind: ecs-fleet\nregion: eu-west-1\nvendor: ${vendor}\n${more}`);
  }

  async function terraform(outputs: object): Promise<void> {
    const file = join(cwd, "terraform");
    await writeFile(file, `#!/bin/sh\nif [ "$1" = output ]; then echo '${JSON.stringify(outputs, null, 2)}'; fi\n`);
    await chmod(file, 0o755);
  }

  const add = (args: readonly string[]) =>
    fleet(["hcp", "notifications", "add", "--stack", "ci-agents", "--no-synth", ...args], {
      cwd,
      env: { TOKEN: fake.token, TFE_ADDRESS: fake.url, AGENT_FLEETS_CONFIG: "ci-agents.yaml", PATH: cwd },
    });
  const saved = () => [...fake.state.notifications.values()];

  it("takes organization, URL and key from the stack, and shows the key nowhere", async () => {
    const { code, stdout, stderr } = await add(["prod", "dev", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).workspaces).toEqual([
      { workspace: "prod", result: "created" },
      { workspace: "dev", result: "created" },
    ]);
    expect(saved()).toMatchObject([
      { url: webhook.url, triggers: ["run:created", "run:completed", "run:errored"] },
      { url: webhook.url },
    ]);
    expect(webhook.requests.every(isSigned)).toBe(true);
    expect(stdout + stderr).not.toContain(key);
  });

  it("takes the triggers that the stack's source of demand needs, unless it is told others", async () => {
    await config("notifications");
    await add(["prod"]);
    expect(saved()[0]?.triggers).toHaveLength(6);
    await add(["prod", "--triggers", "minimal"]);
    expect(saved()).toMatchObject([{ triggers: ["run:created", "run:completed", "run:errored"] }]);
  });

  it("reads the key from a parameter", async () => {
    const arn = "arn:aws:ssm:eu-west-1:000000000000:parameter/ci/key";
    await config("api", `secrets: { notificationToken: { arn: "${arn}" } }\n`);
    aws.parameters.set("/ci/key", { value: key, keyId: "k" });
    const { code, stdout, stderr } = await add(["prod"]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining(key)]);
    expect(stdout).toContain("created");
  });

  it.each<[what: string, set: () => unknown, args: string[], message: string]>([
    ["a stack that is not deployed", () => terraform({}), ["prod"], "has no output webhook_url"],
    [
      "a secret without a value",
      () => aws.secrets.set(secretId, ""),
      ["prod"],
      "notification-token of ci-agents has no value",
    ],
    ["a secret that is not there", () => aws.secrets.delete(secretId), ["prod"], "fleet secret set ci-agents"],
    ["a URL beside the stack", () => {}, ["prod", "https://hook.example"], "With --stack the URL is the stack's"],
    ["an unknown workspace", () => {}, ["prod", "missing"], 'no workspace named "missing"'],
  ])("refuses %s, and changes nothing", async (_, set, args, message) => {
    await set();
    const { code, stderr } = await add(args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(saved()).toEqual([]);
  });

  it("is for fleets of HCP Terraform", async () => {
    await writeFile(join(cwd, "ci-agents.yaml"), "kind: network\nregion: eu-west-1\n");
    expect((await add(["prod"])).stderr).toContain("is no fleet for HCP Terraform");
  });
});
