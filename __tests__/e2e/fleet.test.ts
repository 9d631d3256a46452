import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HcpTerraformFake, startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import type { Agents } from "./agents.ts";
import { canary, type Deployment, nothingOf, prepareDeployment } from "./deployment.ts";
import { type Desk, openDesk } from "./desk.ts";
import { type Door, startDoor } from "./door.ts";
import { createHcpOperator, type HcpOperator } from "./hcp-operator.ts";
import type { DeployedFunction } from "./lambda.ts";
import { decisionsOf, scheduled, until, wakeUp } from "./operator.ts";
import { callsWithoutRight } from "./rights.ts";
import { missingTools, mustRun } from "./toolchain.ts";

const missing = missingTools({ moto: true, cdktf: true });
if (missing) process.stderr.write(`SKIPPED: running deployed fleets. Missing here: ${missing}\n`);

const apiToken = `${canary}api-token`;
const hmacKey = `${canary}hmac-key-0f3a9c1e7b5d2468ace013579bdf`;
const region = "us-west-2";
/** Reads demand from the API. */
const reading = "e2e-reading";
/** Reads demand from notifications alone. */
const told = "e2e-told";
/** Its agents vanish from the vendor's list. */
const lost = "e2e-lost";

const configs = (address: string) => ({
  [reading]: `
kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: ${reading}, address: "${address}" }
agents: { min: 1, max: 25 }
scaling: { tickSeconds: 5, maxRemovedPerTick: 50 }
network: { create: { egress: public-ip } }
alarms: { emails: [ci@example.com] }
secrets: { notificationToken: { variable: notification_token } }
`,
  [told]: `
kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: ${told}, address: "${address}", demand: notifications }
agents: { max: 5 }
scaling: { tickSeconds: 5 }
network: { create: { egress: public-ip } }
`,
  [lost]: `
kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: ${lost}, address: "${address}" }
agents: { min: 1, max: 3, registrationGraceSeconds: 30 }
scaling: { tickSeconds: 5 }
network: { create: { egress: public-ip } }
`,
});

describe.skipIf(missing)("deployed fleets", () => {
  let hcp: HcpTerraformFake;
  let deployment: Deployment;
  let operator: HcpOperator;

  beforeAll(async () => {
    hcp = await startHcpTerraformFake();
    hcp.state.token = apiToken;
    deployment = await prepareDeployment(configs(hcp.url), { notification_token: hmacKey });
    operator = createHcpOperator(deployment, { hcp, region, apiToken });
    await deployment.deploy();
  });

  afterAll(async () => {
    await operator?.close();
    await deployment?.close();
    await hcp?.close();
  });

  async function createToken(fleet: string): Promise<void> {
    const create = ["hcp", "token", "create", "--store", fleet, "--create-pool"];
    expect(await operator.fleet(create)).toMatchObject({ code: 0 });
  }

  /** Gives a fleet that reads the API its pool and tokens. */
  async function prepare(fleet: string): Promise<void> {
    await createToken(fleet);
    const set = await operator.fleet(["secret", "set", fleet, "api-token"], { stdin: apiToken });
    expect(set).toMatchObject({ code: 0 });
  }

  describe("one that reads demand from the API", () => {
    let autoscale: DeployedFunction;
    /** Lambda may run a function as often as it is invoked, each time in another container. */
    let beside: DeployedFunction;
    let agents: Agents;
    let desk: Desk;

    beforeAll(async () => {
      await prepare(reading);
      autoscale = await operator.start(`${reading}-autoscale`, reading);
      beside = await operator.startBeside(`${reading}-autoscale`, reading);
      agents = operator.agentsOf(reading);
      const at = { endpoint: deployment.moto.url, region };
      desk = await openDesk({ stack: reading, loops: [autoscale, beside], operator }, at);
    });

    afterAll(() => desk?.close());

    it("is reported as new until its loop has decided", async () => {
      expect((await desk.status()).pools).toMatchObject([{ pool: reading, queued: null, decisions: [] }]);
      expect(await desk.findings()).toEqual(["loop-silent"]);
    });

    it("gives 25 queued runs 25 agents, never exceeds its ceiling, and keeps its floor when all is done", async () => {
      const { state } = hcp;
      const queue = (count: number) => {
        for (let index = 0; index < count; index += 1) {
          state.queueRun(state.addWorkspace(state.newId("workspace"), operator.poolOf(reading)));
        }
      };
      queue(25);
      const schedules = [scheduled(autoscale), scheduled(beside)];
      await until("25 tasks", autoscale, async () => (await agents.tasks()).length === 25);
      await agents.register();
      agents.takeJobs();

      queue(5);
      await until("a tick that sees the five that wait", autoscale, () =>
        [autoscale, beside].flatMap(decisionsOf).some(({ queued, running }) => queued === 5 && running === 25),
      );
      expect(await agents.tasks()).toHaveLength(25);
      const full = await desk.status();
      expect(full.pools).toMatchObject([{ pool: reading, queued: 5, running: 25, supply: 25, agents: { busy: 25 } }]);
      const names = (await agents.tasks()).map(({ agentName }) => agentName);
      expect(full.agents.map(({ agent }) => agent).sort()).toEqual(names.sort());
      expect(new Set(full.agents.map(({ state }) => state))).toEqual(new Set(["busy"]));
      expect(await desk.findings()).toEqual(["at-ceiling"]);

      await agents.finish(10);
      await until("five more tasks", autoscale, async () => (await agents.tasks()).length === 20);
      await agents.register();
      agents.takeJobs();

      await agents.finish();
      expect(state.openRuns(reading)).toEqual([]);
      await until("the floor", autoscale, async () => (await agents.tasks()).length === 1);
      await agents.register();
      await Promise.all(schedules.map((schedule) => schedule.stop()));

      const lastDecision = { action: "hold", wanted: 1, supply: 1, launch: [], retire: [], discard: [], withdraw: 0 };
      expect(await autoscale.invoke(wakeUp)).toMatchObject([{ lastDecision }]);
      expect(await beside.invoke(wakeUp)).toMatchObject([{ lastDecision }]);
      const [floor, ...others] = await agents.tasks();
      expect(others).toEqual([]);
      expect(floor?.role).toBe("floor");
      expect([...state.agents.values()].map(({ name }) => name)).toEqual([floor?.agentName]);
      expect((await desk.status()).agents).toMatchObject([{ agent: floor?.agentName, state: "idle" }]);
      expect(await desk.findings()).toEqual([]);
      expect(agents.peak).toBe(25);
      expect(operator.callsOf(autoscale, "RunTask")).toHaveLength(31);
    });

    it("lets Terraform destroy it only once no agent is left", async () => {
      // As Terraform asks: the emulator accepts its own invocations and runs nothing.
      const destroying = { source: "terraform", tf: { action: "delete", prev_input: { source: "terraform" } } };
      const [floor] = await agents.tasks();
      await expect(autoscale.invoke(destroying)).rejects.toThrow(`${floor?.arn}. Nothing was destroyed`);
      await agents.leave(await agents.tasks());
      expect(await autoscale.invoke(destroying)).toEqual({ destroy: "allowed" });
      expect(await beside.invoke(wakeUp)).toEqual([]);
      expect(await agents.tasks()).toEqual([]);
    });

    it("had one pass at a time, of whichever container", () => {
      const logs = [autoscale, beside].map((each) => each.logs);
      expect(logs.join("\n")).toContain("another pass is running and looks again in place of this one");
      for (const each of logs) expect(each).toContain('"message":"decision"');
    });

    it("stopped no task", () => {
      expect(operator.callsOf(autoscale, "ListTasks").length).toBeGreaterThan(0);
      expect(operator.callsOf(autoscale, "StopTask")).toEqual([]);
    });

    it("made no call that its role does not allow", () => {
      const calls = operator.callsOf(autoscale);
      const expected = ["RunTask", "TagResource", "GetItem", "PutItem", "UpdateItem", "GetSecretValue"];
      expect(calls.map(({ operation }) => operation)).toEqual(expect.arrayContaining(expected));
      expect(callsWithoutRight(calls, deployment.stateFile(reading))).toEqual([]);
    });
  });

  describe("one whose agents vanish from the vendor's list", () => {
    let autoscale: DeployedFunction;
    let agents: Agents;

    beforeAll(async () => {
      await prepare(lost);
      autoscale = await operator.start(`${lost}-autoscale`, lost);
      agents = operator.agentsOf(lost);
    });

    it("leaves them alone, tells of them, and keeps its floor beside them", async () => {
      const { state } = hcp;
      state.queueRun(state.addWorkspace("lost", operator.poolOf(lost)));
      const schedule = scheduled(autoscale);
      await until("a task", autoscale, async () => (await agents.tasks()).length > 0);
      await agents.register();
      agents.takeJobs();
      const [busy] = await agents.tasks();
      await until("a tick that sees it work", autoscale, () =>
        decisionsOf(autoscale).some(({ running }) => running === 1),
      );
      await until("what outlives the record", autoscale, () =>
        operator.callsOf(autoscale, "TagResource").some(({ input }) => input.resourceArn === busy?.arn),
      );
      for (const agent of state.agents.values()) if (agent.name === busy?.agentName) state.agents.delete(agent.id);

      const isTold = ({ unseen }: { readonly unseen: readonly string[] }) => unseen.includes(busy?.agentName ?? "");
      await until("a tick that cannot see it", autoscale, () => decisionsOf(autoscale).some(isTold));
      await until("a floor beside it", autoscale, async () => (await agents.tasks()).length === 2);
      await until("a look at both", autoscale, () =>
        decisionsOf(autoscale).some((decision) => isTold(decision) && decision.supply === 1),
      );
      expect((await agents.tasks()).map(({ agentName }) => agentName)).toContain(busy?.agentName);
      expect(autoscale.logs).toContain('"AgentsUnseen":1');
      await agents.finish();
      await agents.register();
      await schedule.stop();
      expect(await autoscale.invoke(wakeUp)).toMatchObject([
        { lastDecision: { action: "hold", wanted: 1, supply: 1 } },
      ]);
      expect(operator.callsOf(autoscale, "StopTask")).toEqual([]);
      await agents.leave(await agents.tasks());
    });
  });

  describe("one that is told by notifications alone", () => {
    let autoscale: DeployedFunction;
    let webhook: DeployedFunction;
    let door: Door;
    let agents: Agents;

    const post = (headers: Record<string, string>, body: string | Buffer) =>
      fetch(`${door.url}/notifications`, { method: "POST", headers, body });

    beforeAll(async () => {
      const key = { stdin: hmacKey };
      await createToken(told);
      expect(await operator.fleet(["secret", "set", told, "notification-token"], key)).toMatchObject({ code: 0 });
      autoscale = await operator.start(`${told}-autoscale`, told);
      webhook = await operator.start(`${told}-webhook`, told);
      door = await startDoor(webhook);
      agents = operator.agentsOf(told);
    });

    afterAll(() => door?.close());

    it.each(["plain", "base64"] as const)("refuses what is not signed with 401 and no body (%s)", async (encoding) => {
      door.encoding = encoding;
      for (const signature of ["", "ab".repeat(64)]) {
        const response = await post({ "X-TFE-Notification-Signature": signature }, '{"payload_version":1}');
        expect([response.status, await response.text()]).toEqual([401, ""]);
      }
      expect(operator.callsOf(webhook, "Invoke")).toEqual([]);
    });

    it.each([
      "plain",
      "base64",
    ] as const)("answers the handshake of `fleet hcp notifications add` (%s)", async (encoding) => {
      door.encoding = encoding;
      const workspace = `workspace-${encoding}`;
      hcp.state.addWorkspace(workspace, operator.poolOf(told));
      const add = ["hcp", "notifications", "add", "acme", workspace, `${door.url}/notifications`];
      expect((await operator.fleet(add, { env: { HMAC_SALT: `${canary}another-key` } })).code).not.toBe(0);
      expect(await operator.fleet(add, { env: { HMAC_SALT: hmacKey } })).toMatchObject({ code: 0 });
      expect(operator.callsOf(webhook, "Invoke")).toEqual([]);
    });

    it("gives a run one agent however often it is told of it, and none once it has ended", async () => {
      const { state } = hcp;
      const [workspace] = [...state.workspaces.values()].filter(({ name }) => name === "workspace-plain");
      if (!workspace) throw new Error("the handshake comes first");
      const run = state.queueRun(workspace, { status: "pending" });
      expect(await hcp.notify(run.id, "run:created")).toEqual([200]);
      const created = door.requests.at(-1);
      expect(await hcp.notify(run.id, "run:created")).toEqual([200]);
      const wakeUps = operator.callsOf(webhook, "Invoke").map(({ input }) => input);
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
      // It comes late and reports an old state.
      expect((await post(created?.headers as Record<string, string>, created?.body ?? "")).status).toBe(200);
      await schedule.stop();
      expect(await autoscale.invoke(wakeUp)).toMatchObject([
        { lastDecision: { action: "hold", wanted: 0, supply: 0 } },
      ]);
      expect(agents.peak).toBe(1);
      expect(operator.callsOf(autoscale, "StopTask")).toEqual([]);
    });

    it("made no call that its roles do not allow, and read no API token", () => {
      const calls = [...operator.callsOf(autoscale), ...operator.callsOf(webhook)];
      expect(calls.map(({ operation }) => operation)).toEqual(expect.arrayContaining(["PutItem", "Scan", "Invoke"]));
      expect(callsWithoutRight(calls, deployment.stateFile(told))).toEqual([]);
      expect(operator.callsOf(autoscale, "GetSecretValue")).toEqual([]);
    });
  });

  it("no secret is in state, plan, synthesized JSON, logs or calls to anyone but Secrets Manager", async () => {
    const options = { cwd: deployment.stackFolder(reading), env: deployment.env };
    // The plan of the first deployment: there is no state, so Terraform makes everything.
    const first = ["-state=none.tfstate", "-refresh=false", "-out=first.plan", "-input=false"];
    const planned = await mustRun("terraform", ["plan", ...first], options);
    const shown = await mustRun("terraform", ["show", "-json", "first.plan"], options);
    expect(shown.output.includes('"secret_string_wo_version"')).toBe(true);

    expect(deployment.filesWith("secret_string_wo")).toContain(deployment.stateFile(reading));
    expect(deployment.filesWith(canary)).toEqual([]);
    rmSync(join(options.cwd, "first.plan"));

    const written = [...operator.functions, ...deployment.logs, ...operator.logs, planned.output, shown.output];
    const lines = written.flatMap((each) => (typeof each === "string" ? each : each.logs).split("\n"));
    expect(lines.some((line) => line.includes('"message":"decision"'))).toBe(true);
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
    expect([...(deployment.front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  });

  it("destroy leaves nothing", async () => {
    await deployment.destroy();
    expect(await deployment.whatExists()).toEqual(nothingOf(deployment.stacks));
  });
});
