import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { runStates } from "../../../fakes/spacelift/webhooks.ts";
import { type SpaceliftFake, startSpaceliftFake } from "../../../fakes/spacelift.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";

const key = "canary-webhook-key";
const secretId = "agent-fleets/ci-workers/webhook-secret";
const url = "https://hooks.example/run-events";

let fake: SpaceliftFake;
let aws: AwsSecretsFake;
let cwd: string;

beforeEach(async () => {
  fake = await startSpaceliftFake();
  fake.state.secret = "canary-api-secret";
  aws = await startAwsSecretsFake();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  aws.secrets.set(secretId, ` ${key}\n`);
  const stacks = { "ci-workers": { workingDirectory: "stacks/ci-workers", dependencies: [] } };
  const vendor = `type: spacelift, workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP, endpoint: "${fake.url}", apiKeyId: 01READERS`;
  cwd = folderWith({
    "config/ci-workers.yaml": `kind: ec2-fleet\nregion: eu-west-1\nvendor: { ${vendor}, webhook: { enabled: true } }\n`,
    "config/ground.yaml": "kind: network\nregion: eu-west-1\n",
    "cdktf.out/manifest.json": JSON.stringify({ stacks }),
    "cdktf.out/stacks/ci-workers/cdk.tf.json": "{}",
  });
  terraform({ webhook_url: { sensitive: false, type: "string", value: url } });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([fake.close(), aws.close()]);
});

function terraform(outputs: object): void {
  const file = join(cwd, "terraform");
  writeFileSync(file, `#!/bin/sh\nif [ "$1" = output ]; then echo '${JSON.stringify(outputs, null, 2)}'; fi\n`);
  chmodSync(file, 0o755);
}

const add = (args: readonly string[] = [], { stack = "ci-workers", secret = "canary-api-secret" } = {}) =>
  fleet(["spacelift", "webhook", "add", stack, "--no-synth", "--api-key", fake.state.keyId, ...args], {
    cwd,
    env: { SPACELIFT_API_KEY_SECRET: secret, PATH: cwd },
  });

describe("fleet spacelift webhook add", () => {
  it("makes a webhook with the stack's URL and key, and a policy that sends it runs; shows no secret", async () => {
    const { code, stdout, stderr } = await add(["--json"]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toEqual({
      url,
      space: "root",
      webhook: { id: "agent-fleets-ci-workers", result: "created" },
      policy: { id: "agent-fleets-ci-workers", result: "created" },
    });
    expect(fake.state.webhooks.get("agent-fleets-ci-workers")?.input).toEqual({
      ...{ name: "agent-fleets-ci-workers", endpoint: url, secret: key, space: "root" },
      ...{ enabled: true, retryOnFailure: true, labels: [] },
    });
    const policy = fake.state.policies.get("agent-fleets-ci-workers")?.input;
    expect(policy).toMatchObject({ name: "agent-fleets-ci-workers", type: "NOTIFICATION", space: "root" });
    for (const secret of [key, "canary-api-secret"]) expect(stdout + stderr).not.toContain(secret);
  });

  it("has Spacelift send a run in each state that asks for a worker, and no others", async () => {
    await add();
    const body = String(fake.state.policies.get("agent-fleets-ci-workers")?.input.body);
    expect(body).toContain('"endpoint_id": "agent-fleets-ci-workers"');
    const { waiting, ...others } = runStates;
    for (const state of waiting) expect(body).not.toContain(`"${state}"`);
    for (const state of Object.values(others).flat()) expect(body).toContain(`"${state}"`);
  });

  it("updates what is there, in the space that is asked for", async () => {
    await add();
    aws.secrets.set(secretId, "canary-next-key");
    const { stdout } = await add(["--space", "ci-01TEST"]);
    expect(stdout).toContain("The webhook agent-fleets-ci-workers and its notification policy are updated.");
    expect(stdout).toContain(
      "Runs in the space ci-01TEST, and in spaces that inherit its policies, now wake ci-workers.",
    );
    const [webhook, ...more] = [...fake.state.webhooks.values()];
    expect(webhook?.input).toMatchObject({ secret: "canary-next-key", space: "ci-01TEST" });
    expect([...fake.state.policies.values()]).toMatchObject([{ input: { space: "ci-01TEST" } }]);
    expect(more).toEqual([]);
  });

  it.each<[what: string, set: () => unknown, options: Parameters<typeof add>[1], message: string]>([
    ["a stack that is not deployed", () => terraform({}), {}, "has no output webhook_url"],
    ["a secret without a value", () => aws.secrets.set(secretId, ""), {}, "webhook-secret of ci-workers has no value"],
    ["another kind of stack", () => {}, { stack: "ground" }, "is no fleet of Spacelift"],
    ["no secret of the API key", () => {}, { secret: "" }, "SPACELIFT_API_KEY_SECRET is not set"],
    ["a wrong secret of the API key", () => {}, { secret: "wrong" }, "may manage webhooks and policies"],
    [
      "a key without the rights",
      () => {
        fake.state.mayAdminister = false;
      },
      {},
      "may manage webhooks and policies",
    ],
  ])("refuses %s, and changes nothing", async (_, set, options, message) => {
    set();
    const { code, stderr } = await add([], options);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect([fake.state.webhooks.size, fake.state.policies.size]).toEqual([0, 0]);
  });

  it("makes no second webhook where the answer to the first is lost", async () => {
    const isCreation = ({ body }: { body: Buffer }) => body.includes("namedWebhooksIntegrationCreate");
    fake.fail({ when: isCreation, times: 1, answer: "cut-off" });
    expect((await add()).code).toBe(1);
    expect(fake.requests.filter(isCreation)).toHaveLength(1);
    const { code, stdout } = await add();
    expect(code).toBe(0);
    expect(stdout).toContain("The webhook agent-fleets-ci-workers is updated, its notification policy is created.");
    expect(fake.state.webhooks.size).toBe(1);
  });
});
