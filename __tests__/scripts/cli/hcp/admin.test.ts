import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHcpTerraformAdmin, type HcpTerraformAdmin } from "../../../../scripts/cli/hcp/admin.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

describe("HCP Terraform administration", () => {
  let fake: HcpTerraformFake;
  let admin: HcpTerraformAdmin;

  beforeEach(async () => {
    const clock = createFakeClock();
    fake = await startHcpTerraformFake({ clock });
    admin = createHcpTerraformAdmin({ address: fake.url, clock, readToken: () => Promise.resolve("test-token") });
  });
  afterEach(() => fake.close());

  const written = () => fake.requests.filter((request) => request.method !== "GET");

  it("makes pools and tokens, and deletes tokens", async () => {
    const pool = await admin.createAgentPool("acme", "aws");
    expect(await admin.findAgentPool("acme", "aws")).toMatchObject(pool);
    const token = await admin.createAgentToken(pool.id, "for aws");
    expect(fake.state.agentTokens.get(token.id)).toMatchObject({ value: token.value, description: "for aws" });
    expect(await admin.deleteAgentToken(token.id)).toBe(true);
    expect(await admin.deleteAgentToken(token.id)).toBe(false);
  });

  it("finds no pool by a part of its name", async () => {
    fake.state.addPool("aws-prod");
    expect(await admin.findAgentPool("acme", "aws")).toBeUndefined();
  });

  it("says what the API says was wrong", async () => {
    fake.state.addPool("aws");
    await expect(admin.createAgentPool("acme", "aws")).rejects.toThrow("answered 422: Name has already been taken");
  });

  it("changes a workspace's pool only where it is another", async () => {
    const pool = fake.state.addPool("aws");
    fake.state.addWorkspace("prod");
    const before = await admin.findWorkspace("acme", "prod");
    expect(before && (await admin.setAgentPool(before, pool.id))).toBe(true);
    const after = await admin.findWorkspace("acme", "prod");
    expect(after).toMatchObject({ executionMode: "agent", agentPoolId: pool.id });
    expect(after && (await admin.setAgentPool(after, pool.id))).toBe(false);
    expect(written()).toHaveLength(1);
    expect(await admin.findWorkspace("acme", "pro")).toBeUndefined();
  });

  describe("notifications", () => {
    let webhook: HttpFake;
    let status: number;
    const settings = () => ({ name: "fleet", url: webhook.url, token: "test-hmac-key", triggers: ["run:created"] });

    beforeEach(async () => {
      status = 200;
      webhook = await startHttpFake(() => ({ status }));
    });
    afterEach(() => webhook.close());

    it("are saved after a signed handshake, and updated in place", async () => {
      const { id } = fake.state.addWorkspace("prod");
      await admin.createNotification(id, settings());
      const [saved] = await admin.listNotifications(id);
      expect(saved?.url).toBe(webhook.url);
      await admin.updateNotification(saved?.id ?? "", { ...settings(), triggers: ["run:created", "run:errored"] });
      expect([...fake.state.notifications.values()]).toMatchObject([
        { enabled: true, token: "test-hmac-key", triggers: ["run:created", "run:errored"] },
      ]);
      const [handshake] = webhook.requests;
      const signature = createHmac("sha512", "test-hmac-key")
        .update(handshake?.body ?? "")
        .digest("hex");
      expect(handshake?.headers["x-tfe-notification-signature"]).toBe(signature);
    });

    it("are refused when the webhook refuses the handshake", async () => {
      status = 401;
      const { id } = fake.state.addWorkspace("prod");
      await expect(admin.createNotification(id, settings())).rejects.toThrow("answered with 401");
      expect(await admin.listNotifications(id)).toEqual([]);
    });
  });

  describe("runs", () => {
    const archive = Uint8Array.of(31, 139, 8);
    const options = { message: "a test", planOnly: false, autoApply: true };

    async function uploaded(): Promise<{ workspaceId: string; configurationVersionId: string }> {
      const { id: workspaceId } = fake.state.addWorkspace("prod");
      const version = await admin.createConfigurationVersion(workspaceId, { speculative: false });
      expect(await admin.configurationVersionStatus(version.id)).toBe("pending");
      await admin.upload(version.uploadUrl, archive);
      expect(await admin.configurationVersionStatus(version.id)).toBe("uploaded");
      return { workspaceId, configurationVersionId: version.id };
    }

    it("upload the archive without the token, and go on to the end", async () => {
      const run = await admin.createRun({ ...(await uploaded()), ...options });
      const upload = fake.requests.find((request) => request.method === "PUT");
      expect(upload?.body).toEqual(Buffer.from(archive));
      expect(upload?.headers.authorization).toBeUndefined();
      expect(run.status).toBe("pending");
      const statuses: string[] = [];
      while (statuses.at(-1) !== "applied" && statuses.length < 10) statuses.push((await admin.getRun(run.id)).status);
      expect(statuses).toEqual(fake.state.progress);
    });

    it("show the logs of plan and apply", async () => {
      const run = await admin.createRun({ ...(await uploaded()), ...options });
      expect(await admin.readLog("plans", run.planId ?? "")).toBe("the plan's log\n");
      expect(await admin.readLog("applies", run.applyId ?? "")).toBe("the apply's log\n");
    });

    it("upload only over https, or within this machine", async () => {
      await expect(admin.upload("http://archive.example/v1/canary", archive)).rejects.toThrow("not https");
      await expect(admin.upload("http://127.0.0.2:9/v1/canary", archive)).rejects.not.toThrow("not https");
    });

    it("do not tell the upload's address, which is a credential, when it fails", async () => {
      const failure: unknown = await admin.upload(`${fake.url}/v1/object/canary-upload-nobody`, archive).catch(String);
      expect(failure).toContain("upload of the configuration: answered 404");
      expect(failure).not.toContain("canary");
    });
  });
});
