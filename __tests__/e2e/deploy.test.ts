import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HcpTerraformFake, startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { type Moto, startMoto } from "../fakes/moto.ts";
import { fleetProcess } from "../scripts/harness.ts";
import { type Agents, createAgents } from "./agents.ts";
import { type AwsFront, startAwsFront } from "./aws-front.ts";
import { kindsOf } from "./aws-listings.ts";
import { type Door, startDoor } from "./door.ts";
import { type DeployedFunction, startDeployedFunction } from "./lambda.ts";
import { callsWithoutRight } from "./rights.ts";
import { cdktf, missingTools, mustRun, root, run, terraformEnvironment } from "./toolchain.ts";

const missing = missingTools({ moto: true });
if (missing) process.stderr.write(`SKIPPED: deploying to an emulator of AWS. Missing here: ${missing}\n`);

/** What every secret of this suite begins with, so that one search finds them all. */
const canary = "canary-";
const apiToken = `${canary}api-token`;
const hmacKey = `${canary}hmac-key`;
const region = "us-west-2";

/**
 * Validated only: moto forgets parts of ECS services and launch templates, so that a second plan cannot be empty, and
 * never finishes the IPv6 association of a subnet.
 */
const beyondMoto = /^(cluster-|hcp-on-cluster$|network-full$)/;
const shipped = readdirSync(join(root, "config"))
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => basename(file, ".yaml"))
  .filter((stack) => !beyondMoto.test(stack));
/** Like the shipped ones, but with an HCP Terraform that is on this machine. */
const ours = { api: "e2e-api", notified: "e2e-notified" };
const stacks = [...shipped, ...Object.values(ours)];

const configs = (address: string): Readonly<Record<string, string>> => ({
  [ours.api]: `
kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: ${ours.api}, address: "${address}" }
agents: { min: 1, max: 25 }
scaling: { tickSeconds: 5, maxRemovedPerTick: 50 }
network: { create: { egress: public-ip } }
secrets: { notificationToken: { variable: notification_token } }
`,
  [ours.notified]: `
kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: ${ours.notified}, address: "${address}", demand: notifications }
agents: { max: 5 }
scaling: { tickSeconds: 5 }
network: { create: { egress: public-ip } }
`,
});

describe.skipIf(missing)("deployed to an emulator of AWS", () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  const output = join(folder, "out");
  const configFolder = join(folder, "config");
  /** Everything that anything wrote, for the search at the end. */
  const logs: string[] = [];
  const opened: { close(): Promise<void> }[] = [];

  let moto: Moto;
  let front: AwsFront;
  let hcp: HcpTerraformFake;
  let env: ReturnType<typeof terraformEnvironment>;

  const stackFolder = (stack: string) => join(output, "stacks", stack);
  const stateFile = (stack: string) => join(stackFolder(stack), `terraform.${stack}.tfstate`);

  function keep<T extends { close(): Promise<void> }>(resource: T): T {
    opened.push(resource);
    return resource;
  }

  async function start(name: string, stack: string): Promise<DeployedFunction> {
    const at = { stackFolder: stackFolder(stack), workFolder: join(folder, "functions"), region, endpoint: front.url };
    return keep(await startDeployedFunction(name, at));
  }

  /** `fleet`, as its user would call it after the deployment. */
  async function fleet(args: readonly string[], given: { env?: Record<string, string>; stdin?: string } = {}) {
    const aws = { AWS_ENDPOINT_URL: front.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
    const settings = { AGENT_FLEETS_CONFIG: configFolder, TFE_ADDRESS: hcp.url, TOKEN: apiToken };
    const outcome = await fleetProcess(args, { ...given, cwd: root, env: { ...aws, ...settings, ...given.env } });
    logs.push(outcome.stdout, outcome.stderr);
    return outcome;
  }

  beforeAll(async () => {
    moto = keep(await startMoto({ MOTO_IAM_LOAD_MANAGED_POLICIES: "true" }));
    // Otherwise tasks would end after having been looked at a few times.
    const transition = { model_name: "ecs::task", transition: { progression: "manual", times: 1_000_000 } };
    await fetch(`${moto.url}/moto-api/state-manager/set-transition`, {
      method: "POST",
      body: JSON.stringify(transition),
    });
    front = keep(await startAwsFront(moto.url, [canary]));
    hcp = keep(await startHcpTerraformFake());
    hcp.state.token = apiToken;

    mkdirSync(configFolder);
    for (const stack of shipped) cpSync(join(root, `config/${stack}.yaml`), join(configFolder, `${stack}.yaml`));
    for (const [stack, text] of Object.entries(configs(hcp.url)))
      writeFileSync(join(configFolder, `${stack}.yaml`), text);
    env = terraformEnvironment(folder, {
      AGENT_FLEETS_CONFIG: configFolder,
      AWS_ENDPOINT_URL: front.url,
      TF_VAR_notification_token: hmacKey,
      TF_VAR_tfc_agent_token: `${canary}agent-token`,
    });
    const deployed = await cdktf("deploy", stacks, { output, env });
    logs.push(deployed.output);
    process.stderr.write(
      deployed.output
        .split("\n")
        .filter((line) => line.startsWith("e2e: "))
        .join("\n"),
    );
  }, 270_000);

  afterAll(async () => {
    for (const resource of opened.reverse()) await resource.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.concurrent("a second plan", () => {
    it.each(stacks)("of %s is empty", { timeout: 120_000 }, async (stack) => {
      const cwd = stackFolder(stack);
      const plan = await run("terraform", ["plan", "-detailed-exitcode", "-input=false", "-no-color"], { cwd, env });
      expect(plan).toMatchObject({ code: 0, output: expect.stringContaining("No changes.") });
    });
  });

  it("everything of every stack is there", async () => {
    const fleet = ["clusters", "functions", "secrets", "roles", "httpApis"];
    for (const stack of stacks) {
      const expected = { "network-shared": ["vpcs"], "hcp-on-shared-network": fleet }[stack] ?? [...fleet, "vpcs"];
      const found = await kindsOf(stack, moto.url, stack === "hcp-cloud" ? "us-east-1" : region);
      expect({ stack, found }).toEqual({ stack, found: expect.arrayContaining(expected) });
    }
  });

  describe("a fleet that reads demand from the API", { timeout: 120_000 }, () => {
    let autoscale: DeployedFunction;
    let agents: Agents;

    beforeAll(async () => {
      expect(await fleet(["token", "create", "--store", ours.api, "--create-pool"])).toMatchObject({ code: 0 });
      expect(await fleet(["secret", "set", ours.api, "api-token"], { stdin: apiToken })).toMatchObject({ code: 0 });
      autoscale = await start(`${ours.api}-autoscale`, ours.api);
      agents = agentsOf(ours.api);
    });

    it("25 queued runs get 25 agents, and never more than the ceiling; they leave, and the floor stays", async () => {
      const { state } = hcp;
      const queue = (count: number) => {
        for (let index = 0; index < count; index += 1)
          state.queueRun(state.addWorkspace(`ws-${state.newId("e2e")}`, poolOf(ours.api)));
      };
      queue(25);
      const schedule = scheduled(autoscale);
      await until("25 tasks", autoscale, async () => (await agents.tasks()).length === 25);
      await agents.register();
      agents.takeJobs();

      queue(5);
      await until("a tick that sees the five that wait", autoscale, () =>
        decisionsOf(autoscale).some(({ queued, running }) => queued === 5 && running === 25),
      );
      expect(await agents.tasks()).toHaveLength(25);

      await agents.finish(10);
      await until("five more tasks", autoscale, async () => (await agents.tasks()).length === 20);
      await agents.register();
      agents.takeJobs();
      expect(state.openRuns(ours.api)).toHaveLength(20);

      await agents.finish();
      await until("the floor", autoscale, async () => (await agents.tasks()).length === 1);
      await agents.register();
      await schedule.stop();

      expect(await autoscale.invoke({ source: "schedule" })).toMatchObject({
        ticks: 1,
        lastDecision: { action: "hold", wanted: 1, supply: 1, launch: [], stop: [] },
      });
      const [floor, ...others] = await agents.tasks();
      expect(others).toEqual([]);
      expect(floor?.role).toBe("floor");
      expect([...state.agents.values()].map(({ name }) => name)).toEqual([floor?.agentName]);
      expect(agents.peak).toBe(25);
      expect(callsOf(autoscale, "RunTask")).toHaveLength(31);
    });

    it("no task was stopped by the loop", () => {
      expect(callsOf(autoscale, "ListTasks").length).toBeGreaterThan(0);
      expect(callsOf(autoscale, "StopTask")).toEqual([]);
    });

    it("every call of the loop is allowed by its role", () => {
      const calls = callsOf(autoscale);
      expect(calls.map(({ operation }) => operation)).toEqual(expect.arrayContaining(["RunTask", "GetSecretValue"]));
      expect(callsWithoutRight(calls, stateFile(ours.api))).toEqual([]);
    });
  });

  describe("a fleet that is told by notifications alone", { timeout: 120_000 }, () => {
    let autoscale: DeployedFunction;
    let webhook: DeployedFunction;
    let door: Door;
    let agents: Agents;

    const post = (headers: Record<string, string>, body: string | Buffer) =>
      fetch(`${door.url}/notifications`, { method: "POST", headers, body });

    beforeAll(async () => {
      expect(await fleet(["token", "create", "--store", ours.notified, "--create-pool"])).toMatchObject({ code: 0 });
      const key = { stdin: hmacKey };
      expect(await fleet(["secret", "set", ours.notified, "notification-token"], key)).toMatchObject({ code: 0 });
      autoscale = await start(`${ours.notified}-autoscale`, ours.notified);
      webhook = await start(`${ours.notified}-webhook`, ours.notified);
      door = keep(await startDoor(webhook));
      agents = agentsOf(ours.notified);
    });

    it.each(["plain", "base64"] as const)("refuses what is not signed with 401 and no body (%s)", async (encoding) => {
      door.encoding = encoding;
      for (const signature of ["", "ab".repeat(64)]) {
        const response = await post({ "X-TFE-Notification-Signature": signature }, '{"payload_version":1}');
        expect([response.status, await response.text()]).toEqual([401, ""]);
      }
      expect(callsOf(webhook, "Invoke")).toEqual([]);
    });

    it.each([
      "plain",
      "base64",
    ] as const)("answers the handshake of `fleet notifications add` (%s)", async (encoding) => {
      door.encoding = encoding;
      const workspace = `ws-${encoding}`;
      hcp.state.addWorkspace(workspace, poolOf(ours.notified));
      const add = ["notifications", "add", "acme", workspace, `${door.url}/notifications`];
      expect((await fleet(add, { env: { HMAC_SALT: `${canary}another-key` } })).code).not.toBe(0);
      expect(await fleet(add, { env: { HMAC_SALT: hmacKey } })).toMatchObject({ code: 0 });
      expect(callsOf(webhook, "Invoke")).toEqual([]);
    });

    it("a run gets one agent however often it is told of, and none once it has ended", async () => {
      const { state } = hcp;
      const workspace = [...state.workspaces.values()].find(({ name }) => name === "ws-plain");
      if (!workspace) throw new Error("the handshake comes first");
      const run = state.queueRun(workspace, { status: "pending" });
      expect(await hcp.notify(run.id, "run:created")).toEqual([200]);
      const created = door.requests.at(-1);
      expect(await hcp.notify(run.id, "run:created")).toEqual([200]);
      const wakeUps = callsOf(webhook, "Invoke").map(({ input }) => input);
      expect(wakeUps).toEqual(Array(2).fill({ FunctionName: autoscale.name, source: "wake-up" }));

      const schedule = scheduled(autoscale, wakeUps[0]);
      await until("a task", autoscale, async () => (await agents.tasks()).length > 0);
      state.setRunStatus(run.id, "planning");
      expect(await hcp.notify(run.id, "run:planning")).toEqual([200]);
      await until("a tick that sees it run", autoscale, () =>
        decisionsOf(autoscale).some(({ running, supply }) => running === 1 && supply === 1),
      );
      expect(await agents.tasks()).toHaveLength(1);

      state.finishRun(run.id);
      expect(await hcp.notify(run.id, "run:completed")).toEqual([200]);
      await agents.leave(await agents.tasks());
      // It comes late and tells of the past.
      expect((await post(created?.headers as Record<string, string>, created?.body ?? "")).status).toBe(200);
      await schedule.stop();
      expect(await autoscale.invoke({ source: "schedule" })).toMatchObject({
        ticks: 1,
        lastDecision: { action: "hold", wanted: 0, supply: 0 },
      });
      expect(agents.peak).toBe(1);
      expect(callsOf(autoscale, "StopTask")).toEqual([]);
    });

    it("every call of both functions is allowed by their roles, and none reads an API token", () => {
      const calls = [...callsOf(autoscale), ...callsOf(webhook)];
      expect(calls.map(({ operation }) => operation)).toEqual(expect.arrayContaining(["PutItem", "Scan", "Invoke"]));
      expect(callsWithoutRight(calls, stateFile(ours.notified))).toEqual([]);
      expect(callsOf(autoscale, "GetSecretValue")).toEqual([]);
    });
  });

  it("no secret is in state, plan, synthesized JSON, logs or calls to anyone but Secrets Manager", async () => {
    const cwd = stackFolder(ours.api);
    // The plan of the first deployment: no state, everything to be made.
    const fresh = ["-state=none.tfstate", "-refresh=false", "-out=first.plan", "-input=false"];
    const planned = await mustRun("terraform", ["plan", ...fresh], { cwd, env });
    const shown = await mustRun("terraform", ["show", "-json", "first.plan"], { cwd, env });
    expect(shown.output.includes('"secret_string_wo_version"')).toBe(true);
    rmSync(join(cwd, "first.plan"));

    const files = readdirSync(output, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes(".terraform"))
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files).toEqual(expect.arrayContaining([stateFile(ours.api), join(cwd, "cdk.tf.json")]));
    expect(files.filter((file) => readFileSync(file).includes(canary))).toEqual([]);

    const written = [
      ...logs,
      planned.output,
      shown.output,
      ...opened.flatMap((each) => ("logs" in each ? [String(each.logs)] : [])),
    ];
    expect(written.some((text) => text.includes('"message":"decision"'))).toBe(true);
    expect(written.flatMap((text) => text.split("\n")).filter((line) => line.includes(canary))).toEqual([]);
    expect([...(front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  }, 60_000);

  it("destroy leaves nothing", async () => {
    logs.push((await cdktf("destroy", stacks, { output, env })).output);
    for (const stack of stacks) {
      const state = JSON.parse(readFileSync(stateFile(stack), "utf8"));
      const left = await kindsOf(stack, moto.url, stack === "hcp-cloud" ? "us-east-1" : region);
      expect({ stack, resources: state.resources, left }).toEqual({ stack, resources: [], left: [] });
    }
  }, 240_000);

  function poolOf(name: string) {
    const pool = [...hcp.state.pools.values()].find((candidate) => candidate.name === name);
    if (!pool) throw new Error(`no pool ${name}`);
    return pool;
  }

  function agentsOf(stack: string): Agents {
    const agents = createAgents({ endpoint: moto.url, region, cluster: stack, pool: poolOf(stack), state: hcp.state });
    front.onTaskStarted = agents.taskStarted;
    return agents;
  }

  function callsOf(target: DeployedFunction, operation?: string) {
    return front.calls.filter(
      (call) => call.caller === target.name && (operation === undefined || call.operation === operation),
    );
  }
});

/** Runs a function as its schedule does, with shorter rests, until told to stop. */
function scheduled(target: DeployedFunction, event: unknown = { source: "schedule" }) {
  let on = true;
  const done = (async () => {
    while (on) {
      await target.invoke(event);
      if (on) await setTimeout(3_000);
    }
  })();
  done.catch(() => {});
  return {
    stop() {
      on = false;
      return done;
    },
  };
}

/** Waits until the loop has brought something about; if it does not, what it logged last tells why. */
async function until(what: string, loop: DeployedFunction, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}\n${loop.logs.slice(-3000)}`);
    await setTimeout(100);
  }
}

interface LoggedDecision {
  readonly message: string;
  readonly queued: number;
  readonly running: number;
  readonly supply: number;
}

function decisionsOf(target: DeployedFunction): LoggedDecision[] {
  return target.logs
    .split("\n")
    .filter((line) => line.includes('"message":"decision"'))
    .map((line) => JSON.parse(line));
}
