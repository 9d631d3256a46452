import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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
