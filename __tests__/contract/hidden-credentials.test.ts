import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSecretReader } from "../../handlers/lib/aws/secrets.ts";
import type { AgentReference } from "../../handlers/lib/core/ports.ts";
import type { VendorRuntime } from "../../handlers/lib/settings/vendors.ts";
import { createVendor } from "../../handlers/lib/vendors/clients.ts";
import { passRunTask } from "../../handlers/lib/vendors/hcp-terraform/run-task-callback.ts";
import { createVendorRetirement } from "../../handlers/lib/vendors/retirement.ts";
import { saveRunWebhook } from "../../scripts/cli/spacelift/run-webhook.ts";
import { startAwsSecretsFake } from "../fakes/aws-secrets.ts";
import { startAzureDevOpsFake } from "../fakes/azure-devops.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { startCodeBuildFake } from "../fakes/codebuild.ts";
import { type Echo, forms, type Mischief, shapes, startEcho } from "../fakes/echo.ts";
import { startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { type FakeRequest, type HttpFake, startHttpFake } from "../fakes/http-fake.ts";
import { createLogFake, createMetricsFake } from "../fakes/log.ts";
import { startSemaphoreFake } from "../fakes/semaphore.ts";
import { startSpaceliftFake } from "../fakes/spacelift.ts";
import { fleet } from "../scripts/cli/harness.ts";
import { folderWith } from "../stacks/config/files.ts";

/** Calls of a client. What each resolves to or rejects with counts as told, as do log lines and a terminal's text. */
interface Client {
  readonly front: Echo;
  readonly behind: HttpFake;
  readonly secrets: readonly string[];
  readonly calls: readonly (() => Promise<unknown>)[];
  /** Whether each call makes a client of its own, which cannot know what an earlier one sent. Default: false. */
  readonly freshEachCall?: boolean;
}

const clock = createFakeClock();
const canary = () => randomBytes(24).toString("base64").replace(/^./, "Q");

async function between(behind: HttpFake) {
  return { behind, front: await startEcho(behind) };
}

const hcpYaml = `kind: ecs-fleet
region: eu-west-1
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
backend: { type: cloud, organization: acme, workspace: ci }
`;

const clients: Record<string, () => Promise<Client>> = {
  async "the loop of hcp-terraform"() {
    const fake = await startHcpTerraformFake({ clock });
    const pool = fake.state.addPool("aws");
    fake.state.registerAgent("one", pool);
    fake.state.queueRun(fake.state.addWorkspace("prod", pool));
    const { front, behind } = await between(fake);
    const token = canary();
    fake.state.token = token;
    const vendor = createVendor(
      { type: "hcp-terraform", organization: "acme", agentPool: "aws", address: front.url, demand: "api" },
      { clock, readToken: async () => token },
    );
    const agent = { name: "one", capacityId: "task", vendorId: "agent-1" };
    const calls = [() => vendor.readDemand(), () => vendor.listAgents(), () => vendor.removeAgent(agent.vendorId)];
    return { front, behind, secrets: [token], calls };
  },

  async "the commands of hcp-terraform"() {
    const fake = await startHcpTerraformFake({ clock });
    const pool = fake.state.addPool("aws");
    fake.state.addWorkspace("ci", pool);
    const { front, behind } = await between(fake);
    const env = { TOKEN: canary(), HMAC_SALT: canary(), AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
    fake.state.token = env.TOKEN;
    const cwd = folderWith({ "ci-agents.yaml": hcpYaml, "cdktf.out/stacks/ci-agents/cdk.tf.json": "{}" });
    const run = (...args: string[]) => fleet(["hcp", ...args, "--host", front.url], { cwd, env });
    return {
      ...{ front, behind, secrets: [env.TOKEN, env.HMAC_SALT], freshEachCall: true },
      calls: [
        () => run("notifications", "add", "acme", "ci", "https://hooks.example/notifications"),
        () => run("notifications", "add", "acme", "ci", "https://hooks.example/notifications", "--json"),
        () => run("workspaces", "set-agent-pool", "acme", "aws", "ci"),
        () => run("token", "delete", "at-1"),
        () => run("run", "ci-agents", "--timeout-seconds", "30"),
        () => run("run", "ci-agents", "--timeout-seconds", "30", "--json"),
      ],
    };
  },

  async "the run task callback"() {
    const { front, behind } = await between(await startHttpFake(() => ({ status: 200 })));
    const token = canary();
    const call = async () => {
      const log = createLogFake();
      const callback = { url: `${front.url}/api/v2/task-results/one/callback`, accessToken: token };
      await passRunTask(callback, { address: front.url, clock, log, metrics: createMetricsFake() });
      return log.lines;
    };
    return { front, behind, secrets: [token], calls: [call] };
  },

  "azure-devops by pat": () => azureDevOps("pat"),
  "azure-devops by service-principal": () => azureDevOps("service-principal"),

  async "the commands of azure-devops"() {
    const answer = ({ method, path, body }: FakeRequest) => {
      if (path.includes("/resourceusage")) return { status: 200, json: { resourceLimit: { totalCount: 3 } } };
      if (path.includes("/projects/")) return { status: 200, json: { id: "project-1" } };
      if (method === "GET") return { status: 200, json: { value: [] } };
      return { status: 200, json: JSON.parse(body.toString() || "{}") };
    };
    const { front, behind } = await between(await startHttpFake(answer));
    const env = { ADO_PAT: canary(), HOOK_SECRET: canary(), AGENT_FLEETS_CONFIG: "ado.yaml" };
    const vendor = `{ type: azure-devops, collectionUrl: "${front.url}/Main", poolName: aws, webhook: { enabled: true } }`;
    const cwd = folderWith({ "ado.yaml": `kind: ecs-fleet\nregion: eu-west-1\nvendor: ${vendor}\n` });
    const run = (...args: string[]) => fleet(["ado", ...args], { cwd, env });
    const url = "https://hooks.example/service-hook";
    return {
      ...{ front, behind, secrets: [env.ADO_PAT, env.HOOK_SECRET], freshEachCall: true },
      calls: [
        () => run("hook", "add", "ado", url, "--project", "web"),
        () => run("hook", "remove", "ado", url, "--project", "web", "--json"),
        () => run("parallel-jobs", "ado"),
      ],
    };
  },

  async "the making of spacelift's webhook"() {
    const fake = await startSpaceliftFake({ clock });
    const { front, behind } = await between(fake);
    const [secret, key] = [canary(), canary()];
    fake.state.secret = secret;
    const deps = { clock, readToken: async () => secret };
    const settings = { name: "agent-fleets-ci", url: "https://hooks.example/run-events", key, space: "root" };
    const call = () => saveRunWebhook(settings, { endpoint: front.url, apiKeyId: fake.state.keyId }, deps);
    return { front, behind, secrets: [secret, key], freshEachCall: true, calls: [call] };
  },

  async spacelift() {
    const fake = await startSpaceliftFake({ clock });
    const { state } = fake;
    const pool = state.addPool("01POOL");
    const worker = state.addWorker(pool, "i-0123456789abcdef0", { busy: false });
    const { front, behind } = await between(fake);
    const secret = canary();
    state.secret = secret;
    const place = { workerPoolId: "01POOL", group: state.group };
    const runtime = { type: "spacelift", endpoint: front.url, apiKeyId: state.keyId, ...place } as const;
    const agent = { name: "i-0123456789abcdef0", capacityId: "i-0123456789abcdef0", vendorId: worker.id };
    const { calls } = loopAndRetirement(runtime, secret, agent);
    return { front, behind, secrets: [secret], calls };
  },

  async semaphore() {
    const fake = await startSemaphoreFake();
    const { front, behind } = await between(fake);
    const token = canary();
    fake.state.token = token;
    const vendor = createVendor({ type: "semaphore", address: front.url }, { clock, readToken: async () => token });
    return { front, behind, secrets: [token], calls: [() => vendor.readDemand()] };
  },

  async "fleet secret set and the reader of secrets"() {
    const fake = await startAwsSecretsFake();
    fake.secrets.set("agent-fleets/ci-agents/agent-token", "");
    const { front, behind } = await between(fake);
    const session = aws(front, ["SECRETS_MANAGER", "SSM"]);
    const [value, parameter] = [canary(), canary()];
    fake.parameters.set("token", { value: "", keyId: "alias/mine" });
    const arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/token";
    const cwd = folderWith({
      "ci-agents.yaml": hcpYaml,
      "ssm.yaml": `${hcpYaml}secrets: { agentToken: { arn: "${arn}" } }\n`,
    });
    const set = (stack: string, stdin: string) =>
      fleet(["secret", "set", stack, "agent-token"], { cwd, stdin, env: { AGENT_FLEETS_CONFIG: "." } });
    return {
      ...{ front, behind, secrets: [session, value, parameter], freshEachCall: true },
      calls: [
        () => set("ci-agents", value),
        () => set("ssm", parameter),
        () => createSecretReader({ clock }).read(arn.replace("token", "other")),
        () =>
          createSecretReader({ clock }).readVersions("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf"),
      ],
    };
  },

  async "fleet image build"() {
    const fake = await startCodeBuildFake();
    fake.projects.add("ci-agents-image");
    fake.steps = [
      { currentPhase: "BUILD", log: ["one"] },
      { currentPhase: "COMPLETED", buildStatus: "SUCCEEDED" },
    ];
    const { front, behind } = await between(fake);
    const session = aws(front, ["CODEBUILD", "CLOUDWATCH_LOGS"]);
    const cwd = folderWith({ "ci-agents.yaml": hcpYaml });
    const env = { AGENT_FLEETS_CONFIG: "ci-agents.yaml" };
    const build = () => fleet(["image", "build", "ci-agents"], { cwd, env });
    return { front, behind, secrets: [session], calls: [build], freshEachCall: true };
  },
};

async function azureDevOps(auth: "pat" | "service-principal"): Promise<Client> {
  const fake = await startAzureDevOpsFake({ clock });
  const { state } = fake;
  const pool = state.addPool("aws");
  const { id } = state.addAgent(pool, "one", {});
  state.addJob(pool, {});
  const { front, behind } = await between(fake);
  const secret = canary();
  if (auth === "pat") state.pat = secret;
  else state.principal.secret = secret;
  const known = fake.runtime({ name: "aws" }, auth);
  const runtime = JSON.parse(JSON.stringify(known).replaceAll(fake.url, front.url)) as typeof known;
  const agent = { name: "one", capacityId: "task", vendorId: String(id) };
  const { calls, retirement } = loopAndRetirement(runtime, secret, agent);
  return { front, behind, secrets: [secret], calls: [...calls, () => retirement.deregister(agent)] };
}

/** What the loop and the retire function ask a vendor that is drained from outside. */
function loopAndRetirement(runtime: VendorRuntime, secret: string, agent: AgentReference) {
  const deps = { clock, readToken: async () => secret };
  const vendor = createVendor(runtime, deps);
  const retirement = createVendorRetirement(runtime, deps);
  const calls = [
    () => vendor.readDemand(),
    () => vendor.listAgents(),
    () => retirement.drain(agent),
    () => retirement.undrain(agent),
  ];
  return { calls, retirement };
}

/** Points the SDK at `front`, with temporary credentials. Returns the session token. */
function aws(front: HttpFake, services: readonly string[]): string {
  const session = canary() + canary();
  for (const service of services) vi.stubEnv(`AWS_ENDPOINT_URL_${service}`, front.url);
  vi.stubEnv("AWS_REGION", "eu-west-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test-key-id");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test-secret-key");
  vi.stubEnv("AWS_SESSION_TOKEN", session);
  vi.stubEnv("AWS_MAX_ATTEMPTS", "1");
  return session;
}

/** The errors that a client reads. */
const tongueOf = (name: string): keyof typeof shapes => {
  if (name.includes("hcp")) return "jsonApi";
  if (name.includes("spacelift")) return "graphql";
  if (name.startsWith("fleet")) return "aws";
  return name.includes("service-principal") ? "oauth" : "message";
};

const mischiefIn = (tongue: keyof typeof shapes): fc.Arbitrary<Mischief> =>
  fc.record({
    at: fc.nat(5),
    status: fc.constantFrom(200, 203, 302, 400, 400, 401, 403, 404, 409, 422, 422, 429, 500),
    shape: fc.oneof(
      fc.constant(tongue),
      fc.constant("genuine" as const),
      fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[])),
    ),
    form: fc.oneof(fc.constant("plain" as const), fc.constantFrom(...(Object.keys(forms) as (keyof typeof forms)[]))),
    cut: fc.tuple(fc.nat(40), fc.integer({ min: 20, max: 2000 })),
    place: fc.nat(40),
  });

/** Everything that a person or a log could get to see of an outcome. */
function told(outcome: unknown): string {
  if (!(outcome instanceof Error)) return typeof outcome === "string" ? outcome : (JSON.stringify(outcome) ?? "");
  const own = Object.fromEntries(Object.entries(outcome).filter(([name]) => name !== "$response"));
  return [outcome.name, outcome.message, outcome.stack, JSON.stringify(own), told(outcome.cause ?? "")].join("\n");
}

/** The first ten characters in a row of a secret, in one of the forms, that a text holds. */
function leakOf(secrets: readonly string[], text: string): string | undefined {
  const folded = text.toLowerCase();
  for (const secret of secrets) {
    for (const [name, form] of Object.entries(forms)) {
      // What base64 stands for is found by the plain form.
      if (name === "decoded") continue;
      const written = form(secret).toLowerCase();
      for (let at = 2; at + 10 <= written.length - 2; at += 1) {
        if (folded.includes(written.slice(at, at + 10))) return `${name}: ${written.slice(at, at + 10)}`;
      }
    }
  }
  return undefined;
}

/** Whole commands, and clients that really wait before they try again, get fewer than the others. */
const runs: Readonly<Record<string, number>> = {
  "the commands of hcp-terraform": 25,
  "fleet secret set and the reader of secrets": 40,
  "fleet image build": 12,
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("no client tells what it sent, whatever its server answers:", () => {
  it.each(Object.entries(clients))("%s", async (name, start) => {
    const { front, behind, secrets, calls, freshEachCall = false } = await start();
    try {
      await fc.assert(
        fc.asyncProperty(mischiefIn(tongueOf(name)), fc.nat(calls.length - 1), async (mischief, which) => {
          front.begin(mischief, { forget: freshEachCall });
          const outcome = await calls[which]?.().catch((error: unknown) => error);
          expect(leakOf(secrets, told(outcome)), told(outcome)).toBeUndefined();
        }),
        { numRuns: runs[name] ?? 100 },
      );
    } finally {
      await Promise.all([front.close(), behind.close()]);
    }
  });
});
