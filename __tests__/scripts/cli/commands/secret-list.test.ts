import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { VendorSecret } from "../../../../stacks/config/secrets.ts";
import { vendors } from "../../../../stacks/config/vendors/index.ts";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { fleet } from "../harness.ts";

const account = "123456789012";
const head = `kind: ecs-fleet
region: eu-west-1
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
`;
const id = (name: string) => `agent-fleets/ci-agents/${name}`;
const now = createFakeClock().now().getTime() / 1000;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const hour = 3600;

describe("fleet secret list", () => {
  let aws: AwsSecretsFake;
  let cwd: string;

  beforeEach(async () => {
    aws = await startAwsSecretsFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
    await configure("");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
  });

  const configure = (secrets: string) => writeFile(join(cwd, "ci-agents.yaml"), head + secrets);
  const list = (...flags: string[]) =>
    fleet(["secret", "list", "ci-agents", ...flags], { cwd, env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" } });
  const rowsOf = async () => {
    const { stdout } = await list("--json");
    const { secrets } = JSON.parse(stdout) as { secrets: { secret: string }[] };
    return Object.fromEntries(secrets.map((row) => [row.secret, row]));
  };
  const hold = (name: string, value: string, age: number) => {
    aws.secrets.set(name, value);
    aws.written.set(name, now - age);
  };

  it("shows which secrets have a value and since when, and never asks AWS for one", async () => {
    hold(id("agent-token"), "canary-value", 2 * hour);
    hold(id("api-token"), "", 0);
    expect(await rowsOf()).toMatchObject({
      "agent-token": { id: id("agent-token"), exists: true, has_value: true, since: iso(now - 2 * hour) },
      "api-token": { exists: true, has_value: false, since: null },
      "notification-token": { exists: false, has_value: false, since: null },
    });
    const { code, stdout, stderr } = await list();
    expect(code).toBe(0);
    expect(stdout).toMatch(/agent-token +│ set +│ \d{4}-/);
    expect(stdout).toContain("none: fleet secret set ci-agents api-token");
    expect(stdout).toContain("no such secret: not deployed, or not needed");
    expect(stdout + stderr).not.toContain("canary");
    const operations = new Set(aws.requests.map(({ headers }) => headers["x-amz-target"]));
    expect([...operations].sort()).toEqual(["secretsmanager.DescribeSecret", "secretsmanager.ListSecretVersionIds"]);
  });

  it("asks to log in where there are no credentials, and shows no table of unknown values", async () => {
    for (const name of Object.keys(process.env).filter((each) => each.startsWith("AWS_"))) {
      if (name !== "AWS_ENDPOINT_URL") vi.stubEnv(name, undefined);
    }
    for (const name of ["AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"]) vi.stubEnv(name, join(cwd, "none"));
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    const { code, stdout, stderr } = await list();
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Log in to AWS first: set AWS_PROFILE");
  });

  it("shows until when the webhook accepts the value from before, and no such time for secrets that agents read", async () => {
    for (const name of ["agent-token", "notification-token"]) {
      hold(id(name), "new", 2 * hour);
      aws.previous.set(id(name), "old");
    }
    expect(await rowsOf()).toMatchObject({
      "notification-token": { previous_accepted_until: iso(now + 22 * hour) },
      "agent-token": { previous_accepted_until: null },
    });
    expect((await list()).stdout).toContain(`accepted until ${iso(now + 22 * hour)}`);
  });

  it.each([24, 25])("the value from before is not accepted %i hours after the new one", async (hours) => {
    hold(id("notification-token"), "new", hours * hour);
    aws.previous.set(id("notification-token"), "old");
    expect(await rowsOf()).toMatchObject({ "notification-token": { previous_accepted_until: null } });
  });

  it("a secret that AWS is about to delete has no value that anybody can read", async () => {
    hold(id("agent-token"), "old", 0);
    aws.deletions.set(id("agent-token"), now + 7 * 24 * hour);
    const deletion = iso(now + 7 * 24 * hour);
    expect(await rowsOf()).toMatchObject({ "agent-token": { exists: true, has_value: false, deletion } });
    expect((await list()).stdout).toContain(`none: AWS deletes the secret on ${deletion}`);
  });

  it("looks at the secrets and parameters that the config names, in their region", async () => {
    const whole = `arn:aws:secretsmanager:us-east-2:${account}:secret:mine-AbCdEf`;
    const parameter = `arn:aws:ssm:us-east-2:${account}:parameter/ci/key`;
    await configure(
      `secrets: { agentToken: { arn: "${whole}:token::" }, apiToken: { variable: tfc_api }, notificationToken: { arn: "${parameter}" } }\n`,
    );
    hold(whole, '{"token":"canary"}', hour);
    hold(id("api-token"), "", 0);
    aws.parameters.set("/ci/key", { value: "new", keyId: "alias/mine" });
    aws.written.set("/ci/key", now - hour);
    aws.previous.set("/ci/key", "old");
    expect(await rowsOf()).toMatchObject({
      "agent-token": { id: whole, region: "us-east-2", exists: true, has_value: null, since: iso(now - hour) },
      "api-token": { id: id("api-token"), has_value: false },
      "notification-token": { has_value: true, previous_accepted_until: iso(now + 23 * hour) },
    });
    const { stdout } = await list();
    expect(stdout).toContain("unknown: the key token of a secret that is set");
    expect(stdout).toContain("none: deploy with TF_VAR_tfc_api");
    expect(stdout).not.toMatch(/canary|ciphertext/);
  });

  it("shows the others and fails if AWS refuses one", async () => {
    hold(id("agent-token"), "value", hour);
    aws.fail({
      when: ({ body }) => body.toString().includes("api-token"),
      answer: { status: 400, json: { __type: "AccessDeniedException", message: "not allowed" } },
    });
    const { code, stdout, stderr } = await list("--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).secrets).toMatchObject([
      { secret: "agent-token", has_value: true, error: null },
      { secret: "api-token", exists: null, has_value: null, error: "This AWS identity may not do this: not allowed" },
      { secret: "notification-token", exists: false },
    ]);
    expect(JSON.parse(stderr.split("\n").at(-2) ?? "").hint).toContain("secretsmanager:DescribeSecret");
  });

  it.each(
    Object.values(vendors),
  )("$id has a secret whose value from before counts if it has a webhook, and no other", (vendor) => {
    const secrets: readonly VendorSecret[] = Object.values(vendor.secrets);
    expect(secrets.filter(({ previousCounts }) => previousCounts)).toHaveLength(
      "webhook" in vendor.schema.shape ? 1 : 0,
    );
  });

  it("says that a stack without secrets has none", async () => {
    await writeFile(join(cwd, "ci-agents.yaml"), "kind: network\nregion: eu-west-1\n");
    const { code, stderr } = await list();
    expect(code).toBe(1);
    expect(stderr).toContain("is of kind network, which has no secrets");
  });

  it("shows examples", async () => {
    expect((await list("--help")).stdout).toContain("fleet secret list ci-agents");
  });
});
