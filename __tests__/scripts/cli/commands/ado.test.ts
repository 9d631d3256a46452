import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AwsSecretsFake, startAwsSecretsFake } from "../../../fakes/aws-secrets.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { folderWith } from "../../../stacks/config/files.ts";
import { fleet } from "../harness.ts";

const secret = "test-hook-secret";
const url = "https://hooks.example/service-hook";

interface Subscription {
  readonly id: string;
  readonly publisherInputs: { readonly projectId: string };
  readonly consumerInputs: { readonly url: string; readonly httpHeaders: string };
}

let ado: HttpFake;
let subscriptions: Map<string, Subscription>;
let folder: string;
/** Parallel jobs. */
let bought: number | undefined;

beforeEach(async () => {
  subscriptions = new Map();
  ado = await startHttpFake(answer);
  const vendor = `vendor: { type: azure-devops, collectionUrl: "${ado.url}/Main", poolName: aws, webhook: { enabled: true } }`;
  const pooled = `vendor: { type: azure-devops, collectionUrl: "${ado.url}/Main" }\npools: [{ key: one, name: One, max: 3 }, { key: two, name: Two }]`;
  folder = folderWith({
    "config/ado.yaml": `kind: ecs-fleet\nregion: eu-west-1\n${vendor}\n`,
    "config/pools.yaml": `kind: ecs-fleet\nregion: eu-west-1\n${pooled}\n`,
    "config/ground.yaml": "kind: network\nregion: eu-west-1\n",
  });
});
afterEach(() => ado.close());

function answer({ method, path, headers, body }: FakeRequest): FakeAnswer {
  if (headers.authorization !== `Basic ${Buffer.from(":test-pat").toString("base64")}`) {
    return { status: 203, text: "<html>Sign in</html>" };
  }
  if (path === "/Main/_apis/distributedtask/resourceusage") {
    return { status: 200, json: { resourceLimit: { totalCount: bought } } };
  }
  const name = /^\/Main\/_apis\/projects\/(.+)$/.exec(path)?.[1];
  if (name)
    return name === "absent" ? { status: 404 } : { status: 200, json: { id: `id of ${decodeURIComponent(name)}` } };
  const id = /^\/Main\/_apis\/hooks\/subscriptions(?:\/(.+))?$/.exec(path)?.[1];
  if (method === "GET") return { status: 200, json: { value: [...subscriptions.values()] } };
  if (method === "DELETE") return { status: subscriptions.delete(String(id)) ? 204 : 404 };
  const saved = { ...JSON.parse(body.toString()), id: id ?? `hook-${subscriptions.size}` };
  subscriptions.set(saved.id, saved);
  return { status: 200, json: saved };
}

const ask = (args: readonly string[], env: Record<string, string> = {}) =>
  fleet(["ado", "hook", ...args], { cwd: folder, env: { ADO_PAT: "test-pat", HOOK_SECRET: secret, ...env } });

describe("fleet ado parallel-jobs", () => {
  const parallelJobs = (...args: string[]) =>
    fleet(["ado", "parallel-jobs", ...args], { cwd: folder, env: { ADO_PAT: "test-pat" } });

  it("warns where the fleet may have more agents than the organization has parallel jobs", async () => {
    bought = 9;
    const { code, stdout, stderr } = await parallelJobs("ado");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Parallel jobs: 9. Agents at most: 10.\n" });
    expect(stderr).toContain("warning: agents above 9 get no job");
  });

  it("counts the agents of all pools, and is content where there are as many jobs", async () => {
    bought = 13;
    const { stdout, stderr } = await parallelJobs("pools", "--json");
    expect(JSON.parse(stdout)).toEqual({ maxAgents: 13, parallelJobs: 13 });
    expect(stderr).not.toContain("warning");
  });

  it("says so where Azure DevOps does not tell", async () => {
    bought = undefined;
    const { code, stdout } = await parallelJobs("ado");
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("does not show this token") });
  });
});

it("fleet ado parallel-jobs fails with a wrong token, and says what to do", async () => {
  const outcome = await fleet(["ado", "parallel-jobs", "ado"], { cwd: folder, env: { ADO_PAT: "test-pat-of-nobody" } });
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("Set ADO_PAT to a personal access token") });
});

describe("fleet ado hook", () => {
  it("adds a hook per project that shows the secret to the fleet's webhook", async () => {
    const { code, stdout, stderr } = await ask(["add", "ado", url, "--project", "web shop", "api"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("web shop is created") });
    expect([...subscriptions.values()]).toMatchObject([
      {
        publisherId: "pipelines",
        eventType: "ms.vss-pipelines.job-state-changed-event",
        consumerId: "webHooks",
        publisherInputs: { projectId: "id of web shop" },
        consumerInputs: { url, httpHeaders: `x-agent-fleets-hook:${secret}` },
      },
      { publisherInputs: { projectId: "id of api" } },
    ]);
    expect(stdout + stderr).not.toContain(secret);
  });

  it("updates the one there is, and leaves those of others alone", async () => {
    await ask(["add", "ado", "https://other.example/service-hook", "--project", "web"]);
    await ask(["add", "ado", url, "--project", "web"]);
    const { stdout } = await ask(["add", "ado", url, "--project", "web", "--json"], { HOOK_SECRET: "test-rotated" });
    expect(JSON.parse(stdout)).toEqual({ url, projects: [{ project: "web", result: "updated" }] });
    const ours = [...subscriptions.values()].filter(({ consumerInputs }) => consumerInputs.url === url);
    expect(ours).toHaveLength(1);
    expect(ours[0]?.consumerInputs.httpHeaders).toBe("x-agent-fleets-hook:test-rotated");
    expect(subscriptions.size).toBe(2);
  });

  it("removes its own", async () => {
    await ask(["add", "ado", "https://other.example/service-hook", "--project", "web"]);
    await ask(["add", "ado", url, "--project", "web"]);
    expect(JSON.parse((await ask(["remove", "ado", url, "--project", "web", "--json"])).stdout)).toMatchObject({
      removed: 1,
    });
    expect([...subscriptions.values()].map(({ consumerInputs }) => consumerInputs.url)).toEqual([
      "https://other.example/service-hook",
    ]);
  });

  it.each([
    ["without a token", ["add", "ado", url, "--project", "web"], { ADO_PAT: "" }, "ADO_PAT is not set"],
    ["with a token that is refused", ["add", "ado", url, "--project", "web"], { ADO_PAT: "wrong" }, "answered 203"],
    [
      "for a project that is not there",
      ["add", "ado", url, "--project", "absent"],
      {},
      'project "absent" does not exist',
    ],
    ["for another kind of stack", ["add", "ground", url, "--project", "web"], {}, "is no fleet of Azure DevOps"],
    [
      "for a URL that anyone could read along",
      ["add", "ado", "http://hooks.example/x", "--project", "web"],
      {},
      "must be the webhook's https URL",
    ],
    [
      "with a token that is refused, and names it",
      ["remove", "ado", url, "--project", "web"],
      { ADO_PAT: "wrong" },
      "Set ADO_PAT to",
    ],
  ])("fails %s", async (_when, args, env, message) => {
    const { code, stderr } = await ask(args, env);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(subscriptions.size).toBe(0);
  });
});

describe("fleet ado hook without a URL", () => {
  const secretId = "agent-fleets/ado/hook-secret";
  let aws: AwsSecretsFake;

  beforeEach(async () => {
    aws = await startAwsSecretsFake();
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    aws.secrets.set(secretId, ` ${secret}\n`);
    const stacks = { ado: { workingDirectory: "stacks/ado", dependencies: [] } };
    await mkdir(join(folder, "cdktf.out/stacks/ado"), { recursive: true });
    await writeFile(join(folder, "cdktf.out/manifest.json"), JSON.stringify({ stacks }));
    await terraform({ webhook_url: { sensitive: false, type: "string", value: url } });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await aws.close();
  });

  async function terraform(outputs: object): Promise<void> {
    const file = join(folder, "terraform");
    await writeFile(file, `#!/bin/sh\nif [ "$1" = output ]; then echo '${JSON.stringify(outputs, null, 2)}'; fi\n`);
    await chmod(file, 0o755);
  }

  const askStack = (verb: string) =>
    ask([verb, "ado", "--project", "web", "--no-synth"], { HOOK_SECRET: "", PATH: folder });

  it("takes URL and secret from the stack, shows the secret nowhere, and removes what it has made", async () => {
    const { code, stdout, stderr } = await askStack("add");
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect([...subscriptions.values()]).toMatchObject([
      { consumerInputs: { url, httpHeaders: `x-agent-fleets-hook:${secret}` } },
    ]);
    expect(stdout + stderr).not.toContain(secret);
    expect(await askStack("remove")).toMatchObject({ code: 0, stdout: "Removed 1 service hook.\n" });
    expect(subscriptions.size).toBe(0);
  });

  it.each<[what: string, set: () => unknown, message: string]>([
    ["a stack without a webhook", () => terraform({}), "has no output webhook_url"],
    ["a secret without a value", () => aws.secrets.set(secretId, ""), "hook-secret of ado has no value yet"],
  ])("fails for %s", async (_what, set, message) => {
    await set();
    const { code, stderr } = await askStack("add");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    expect(subscriptions.size).toBe(0);
  });
});
