import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { fleet } from "../harness.ts";

const account = "123456789012";
const head = `kind: ecs-fleet
region: eu-west-1
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
`;

describe("fleet secret set", () => {
  let aws: AwsSecretsFake;
  let cwd: string;

  beforeEach(async () => {
    aws = await startAwsSecretsFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
  });

  async function setSecret(secrets: string, stdin: string, name = "agent-token", flags: readonly string[] = []) {
    await writeFile(join(cwd, "ci-agents.yaml"), head + secrets);
    return fleet(["secret", "set", "ci-agents", name, "--json", ...flags], {
      cwd,
      stdin,
      env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" },
    });
  }

  it("without a name lists those of the stack, or lets a person choose", async () => {
    await writeFile(join(cwd, "ci-agents.yaml"), head);
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "");
    const given = { cwd, env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" } };
    const { code, stdout, stderr } = await fleet(["secret", "set", "ci-agents"], given);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^fleet: Which secret of ci-agents\? It may have .*agent-token.*notification-token/);
    expect(stderr).toContain("Give its name: fleet secret set ci-agents ");
    const chosen = await fleet(["secret", "set", "ci-agents"], { ...given, typed: ["agent-token", "canary-value"] });
    expect(chosen.stdout).toContain("agent-token of ci-agents is set");
  });

  it("defect 8: takes the value from standard input, and never shows it", async () => {
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "");
    const { code, stdout, stderr } = await setSecret("", "canary value\n");
    expect(code).toBe(0);
    expect(aws.secrets.get("agent-fleets/ci-agents/agent-token")).toBe("canary value");
    expect(JSON.parse(stdout)).toMatchObject({ stack: "ci-agents", secret: "agent-token" });
    expect(stdout + stderr).not.toContain("canary");
    expect(aws.requests[0]?.headers.authorization).toContain("/eu-west-1/secretsmanager/");
  });

  it("keeps the value before, so that senders have time to change", async () => {
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "leaked");
    const { stdout } = await setSecret("", "new");
    expect(aws.previous.get("agent-fleets/ci-agents/agent-token")).toBe("leaked");
    expect(JSON.parse(stdout)).toMatchObject({ previous_revoked: false });
  });

  it("revokes the value before if asked to", async () => {
    const id = "agent-fleets/ci-agents/agent-token";
    aws.secrets.set(id, "leaked");
    const { code, stdout } = await setSecret("", "new", "agent-token", ["--revoke-previous"]);
    expect([aws.secrets.get(id), aws.previous.get(id)]).toEqual(["new", "new"]);
    expect(JSON.parse(stdout)).toMatchObject({ previous_revoked: true });
    expect(code).toBe(0);
  });

  it("revokes the value before of a parameter, too", async () => {
    aws.parameters.set("/ci/token", { value: "leaked", keyId: "alias/mine" });
    const arn = `arn:aws:ssm:eu-west-1:${account}:parameter/ci/token`;
    await setSecret(`secrets: { agentToken: { arn: "${arn}" } }\n`, "new", "agent-token", ["--revoke-previous"]);
    expect([aws.parameters.get("/ci/token")?.value, aws.previous.get("/ci/token")]).toEqual(["new", "new"]);
  });

  it("says that the value before is not revoked if only the first write worked", async () => {
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "leaked");
    let writes = 0;
    aws.fail({
      when: () => ++writes > 1,
      answer: { status: 400, json: { __type: "LimitExceededException", message: "too many" } },
    });
    const { code, stderr } = await setSecret("", "canary-new", "agent-token", ["--revoke-previous"]);
    expect(stderr).toContain("The new value is set, but the one from before is not revoked");
    expect(stderr).not.toContain("canary");
    expect(code).toBe(1);
  });

  it("changes no secret of which the fleet's value is one key", async () => {
    const whole = `arn:aws:secretsmanager:us-east-2:${account}:secret:mine-AbCdEf`;
    aws.secrets.set(whole, '{"token":"old"}');
    const { code, stderr } = await setSecret(`secrets: { agentToken: { arn: "${whole}:token::" } }\n`, "canary");
    expect(code).not.toBe(0);
    expect(stderr).toContain("agent-token is one key of a secret that holds more");
    expect(aws.secrets.get(whole)).toBe('{"token":"old"}');
  });

  it("writes to the secret whose ARN the config names, in its region", async () => {
    const arn = `arn:aws:secretsmanager:us-east-2:${account}:secret:mine-AbCdEf`;
    aws.secrets.set(arn, "");
    expect(await setSecret(`secrets: { agentToken: { arn: "${arn}" } }\n`, "canary")).toMatchObject({ code: 0 });
    expect(aws.secrets.get(arn)).toBe("canary");
    expect(aws.requests[0]?.headers.authorization).toContain("/us-east-2/secretsmanager/");
  });

  it.each(["/ci/agent-token", "agent-token"])("overwrites the SSM parameter %s under the key it has", async (name) => {
    aws.parameters.set(name, { value: "old", keyId: "alias/mine" });
    const arn = `arn:aws:ssm:us-east-2:${account}:parameter/${name.replace(/^\//, "")}`;
    expect(await setSecret(`secrets: { agentToken: { arn: "${arn}" } }\n`, "canary")).toMatchObject({ code: 0 });
    expect(aws.parameters.get(name)).toEqual({ value: "canary", keyId: "alias/mine" });
  });

  it("takes a worker pool's private key in base64 alone, before Spacelift's launcher refuses it", async () => {
    await writeFile(
      join(cwd, "workers.yaml"),
      "kind: ec2-fleet\nregion: eu-west-1\nvendor: { type: spacelift, workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP, " +
        "endpoint: https://acme.app.spacelift.io, apiKeyId: 01HCC6R1B6W5TZ1Y2X3V4N5M6P }\n",
    );
    aws.secrets.set("agent-fleets/workers/pool-private-key", "");
    const set = (stdin: string) =>
      fleet(["secret", "set", "workers", "pool-private-key"], {
        cwd,
        stdin,
        env: { AGENT_FLEETS_CONFIG: "workers.yaml" },
      });
    const pem = ["-----BEGIN", "PRIVATE KEY-----\ncanary\n-----END", "PRIVATE KEY-----\n"].join(" ");
    const refused = await set(pem);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("base64 < spacelift.key | npm run fleet -- secret set workers pool-private-key");
    expect(refused.stderr).not.toContain("canary");
    expect(aws.secrets.get("agent-fleets/workers/pool-private-key")).toBe("");
    const encoded = Buffer.from(pem).toString("base64");
    expect(await set(encoded)).toMatchObject({ code: 0 });
    expect(aws.secrets.get("agent-fleets/workers/pool-private-key")).toBe(encoded);
    const wrapped = encoded.replaceAll(/.{20}/g, "$&\n");
    expect(await set(`${wrapped}\r\n`)).toMatchObject({ code: 0 });
    expect(aws.secrets.get("agent-fleets/workers/pool-private-key")).toBe(wrapped);
  });

  it("says what to do where the secret does not exist yet", async () => {
    const missing = await setSecret("", "canary");
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain(
      "This AWS identity sees no secret agent-fleets/ci-agents/agent-token in eu-west-1",
    );
    expect(missing.stderr).toContain("cdktf deploy ci-agents");
    const arn = `arn:aws:ssm:us-east-2:${account}:parameter/nowhere`;
    expect((await setSecret(`secrets: { agentToken: { arn: "${arn}" } }\n`, "canary")).stderr).toContain(
      "This AWS identity sees no secret",
    );
  });

  it("says what to do where Terraform writes the value", async () => {
    const { code, stderr } = await setSecret("secrets: { agentToken: { variable: tfc_agent_token } }\n", "canary");
    expect(code).toBe(1);
    expect(stderr).toContain("Set TF_VAR_tfc_agent_token, raise secrets.agentToken.version");
    expect(aws.requests).toEqual([]);
  });

  it.each([
    "\r\n",
    "\n\n",
    " \t",
    "\uFEFF",
    "\uFEFF \r\n",
  ])("stores the value without the %j around it", async (around) => {
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "");
    expect(await setSecret("", `${around}canary${around}`)).toMatchObject({ code: 0 });
    expect(aws.secrets.get("agent-fleets/ci-agents/agent-token")).toBe("canary");
  });

  it.each([
    ["", "is empty"],
    ["\n", "is empty"],
    ["\uFEFF  \r\n", "is empty"],
    ["<!DOCTYPE html>\n<title>canary</title>", "is a page in HTML or XML"],
    ["<html><body>canary</body></html>", "is a page in HTML or XML"],
    ["canary\nof two lines", "has 2 lines, but this kind of secret has one line"],
    ["canary\r\nof two lines", "has 2 lines, but this kind of secret has one line"],
    ["canary\0", "contains invisible characters"],
    ["can\u001b[31mary", "contains invisible characters"],
    ["can\u200bary", "contains invisible characters"],
    ["c\0a\0n\0a\0r\0y\0", "contains invisible characters"],
  ])("refuses the value %j, which cannot be one", async (stdin, trouble) => {
    aws.secrets.set("agent-fleets/ci-agents/agent-token", "old");
    const { code, stdout, stderr } = await setSecret("", stdin);
    expect(code).toBe(1);
    expect(stderr).toContain(`The value ${trouble}`);
    expect(stdout + stderr).not.toContain("canary");
    expect(aws.secrets.get("agent-fleets/ci-agents/agent-token")).toBe("old");
  });

  it.each([
    "canary",
    "canary-0f3a9c1e7b5d2468ace01357",
    "canarycanarycanarycanarycanarycanary",
    "c".repeat(200),
  ])("refuses %j as the key of notifications, whose hash an old tfe provider keeps in the state", async (weak) => {
    aws.secrets.set("agent-fleets/ci-agents/notification-token", "old");
    const { code, stdout, stderr } = await setSecret("", weak, "notification-token");
    expect(code).toBe(1);
    expect(stderr).toContain(
      "The value is too easy to guess: it needs at least 32 characters, and not only the same few again and again.",
    );
    expect(stderr).toContain("openssl rand -hex 32 | npm run fleet -- secret set ci-agents notification-token");
    expect(stdout + stderr).not.toContain(weak);
    expect(aws.secrets.get("agent-fleets/ci-agents/notification-token")).toBe("old");
  });

  it("takes a random key of notifications", async () => {
    aws.secrets.set("agent-fleets/ci-agents/notification-token", "old");
    for (const bytes of [32, 48]) {
      const key = randomBytes(bytes).toString("hex");
      expect(await setSecret("", `${key}\n`, "notification-token")).toMatchObject({ code: 0 });
      expect(aws.secrets.get("agent-fleets/ci-agents/notification-token")).toBe(key);
    }
  });

  it("names the secrets there are, and the stacks", async () => {
    expect((await setSecret("", "x", "agentToken")).stderr).toContain("agent-token, api-token, notification-token");
    const env = { AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
    const { code, stderr } = await fleet(["secret", "set", "ci-agent", "agent-token"], { cwd, env });
    expect(code).toBe(1);
    expect(stderr).toContain("ci-agents");
  });
});
