import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FakePool } from "../fakes/azure-devops/state.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../fakes/azure-devops.ts";
import { type AzureDevOpsAgents, createAzureDevOpsAgents } from "./ado-agents.ts";
import { canary, type Deployment, nothingOf, prepareDeployment } from "./deployment.ts";
import { type Desk, openDesk } from "./desk.ts";
import { startDoor } from "./door.ts";
import type { DeployedFunction } from "./lambda.ts";
import { createOperator, decisionsOf, type Operator, onlySometimes, scheduled, until, wakeUp } from "./operator.ts";
import { pushImage } from "./push-image.ts";
import { callsWithoutRight } from "./rights.ts";
import { runWorkflows, type Workflows } from "./step-functions.ts";
import { missingTools, mustRun, run } from "./toolchain.ts";

const missing = missingTools({ moto: true, cdktf: true });
if (missing) process.stderr.write(`SKIPPED: running a deployed fleet of Azure DevOps. Missing here: ${missing}\n`);

const region = "us-west-2";
const stack = "e2e-ado";
const pat = `${canary}pat`;
const hookSecret = `${canary}hook-secret-0123456789abcdef`;

const config = (collectionUrl: string) => `
kind: ecs-fleet
region: ${region}
vendor: { type: azure-devops, collectionUrl: "${collectionUrl}", webhook: { enabled: true } }
scaling: { tickSeconds: 5, scaleInCooldownSeconds: 0, scaleInAfterObservations: 2 }
pools:
  - { key: linux, name: AWS Linux, max: 30 }
  - { key: large, name: AWS Linux large, min: 1, max: 5, compute: { cpu: 4096, memoryMiB: 16384 } }
network: { create: { egress: public-ip } }
alarms: { emails: [ci@example.com] }
secrets: { pat: { variable: ado_pat } }
`;

describe.skipIf(missing)("a deployed fleet of Azure DevOps with two pools", () => {
  let ado: AzureDevOpsFake;
  let deployment: Deployment;
  let operator: Operator;
  let workflows: Workflows;
  let autoscale: DeployedFunction;
  let agents: AzureDevOpsAgents;
  let linux: FakePool;
  let large: FakePool;
  let desk: Desk;

  beforeAll(async () => {
    ado = await startAzureDevOpsFake();
    ado.state.pat = pat;
    linux = ado.state.addPool("AWS Linux");
    large = ado.state.addPool("AWS Linux large");
    deployment = await prepareDeployment({ [stack]: config(`${ado.url}/acme`) }, { ado_pat: pat });
    operator = createOperator(deployment, { region });
    await deployment.deploy();
    const { front, moto } = deployment;
    workflows = runWorkflows({ front, region, start: (name) => operator.start(name, stack) });
    agents = createAzureDevOpsAgents({ endpoint: moto.url, region, cluster: stack, front, ado });
    autoscale = await operator.start(`${stack}-autoscale`, stack);
    desk = await openDesk({ stack, loops: [autoscale], operator }, { endpoint: moto.url, region });
  });

  afterAll(async () => {
    desk?.close();
    await operator?.close();
    await deployment?.close();
    await ado?.close();
  });

  const queue = (pool: FakePool, count: number) => Array.from({ length: count }, () => ado.state.queueJob(pool));
  const tasksOf = async (pool: FakePool) => (await agents.tasks(pool)).length;
  const namesIn = (pool: FakePool) => ado.state.agentsOf(pool).map(({ name }) => name);
  const registeredAndBusy = async () => {
    await agents.register();
    agents.takeJobs();
  };

  it("is reported without image and secret until it has them", async () => {
    expect(await desk.findings()).toEqual(expect.arrayContaining(["image-missing", "secret-empty", "loop-silent"]));
    expect(await operator.fleet(["secret", "set", stack, "hook-secret"], { stdin: hookSecret })).toMatchObject({
      code: 0,
    });
    await pushImage({
      endpoint: deployment.moto.url,
      region,
      repository: `agent-fleets/${stack}/current`,
      tag: "agent",
    });
    expect(await desk.findings()).toEqual(["loop-silent"]);
  });

  it("keeps the queues of empty pools open, and one pool's floor", async () => {
    expect(queue(linux, 1)).toMatchObject([{ result: "failed" }]);
    const schedule = scheduled(autoscale);
    await until("the floor", autoscale, async () => (await tasksOf(large)) === 1);
    await until("a placeholder in each pool", autoscale, () =>
      [linux, large].every((pool) => namesIn(pool).includes("agent-fleets-keeps-the-queue-open")),
    );
    await agents.register();
    await schedule.stop();
    expect(await tasksOf(linux)).toBe(0);
  });

  it("gives 30 jobs an agent each while the other pool fails, and that pool's 3 as soon as it works", async () => {
    const { state } = ado;
    const jobs = [...queue(linux, 30), ...queue(large, 3)];
    ado.fail({ path: new RegExp(`/pools/${large.id}/jobrequests`), answer: { status: 401 } });
    await expect(autoscale.invoke(wakeUp)).rejects.toThrow("401");
    await until("thirty tasks", autoscale, async () => (await tasksOf(linux)) === 30);
    await registeredAndBusy();
    await expect(autoscale.invoke(wakeUp)).rejects.toThrow("401");
    await until("a tick that sees all jobs run", autoscale, () =>
      decisionsOf(autoscale).some(({ running, supply }) => running === 30 && supply === 30),
    );
    expect(await tasksOf(large)).toBe(1);
    const failing = await desk.status();
    expect(failing.pools).toMatchObject([
      { pool: `${stack}.linux`, queued: 0, running: 30, supply: 30, agents: { busy: 30 } },
      { pool: `${stack}.large`, wanted: 1 },
    ]);
    const names = (await Promise.all([linux, large].map((each) => agents.tasks(each))))
      .flat()
      .map(({ agentName }) => agentName);
    expect(failing.agents.map(({ agent }) => agent).sort()).toEqual(names.sort());
    expect(await desk.findings()).toContain("token-refused");
    await agents.finish(linux);

    ado.clearFaults();
    const schedule = scheduled(autoscale);
    await until("three tasks", autoscale, async () => (await tasksOf(large)) === 3);
    await registeredAndBusy();
    expect(state.agentsOf(large).filter(({ job }) => job !== undefined)).toHaveLength(3);
    await agents.finish(large);
    await until("the floor", autoscale, async () => (await tasksOf(large)) === 1);
    await agents.register();
    await schedule.stop();
    expect(jobs.filter(({ result }) => result !== "succeeded")).toEqual([]);
    expect([agents.peak(linux), agents.peak(large)]).toEqual([30, 3]);
    expect(await tasksOf(linux)).toBe(0);
    expect(workflows.executions).toEqual([]);
  });

  it("retires agents whose jobs were cancelled in the queue, but none that gets one meanwhile", async () => {
    const jobs = queue(linux, 5);
    const schedule = scheduled(autoscale);
    await until("five tasks", autoscale, async () => (await tasksOf(linux)) === 5);
    for (const job of jobs.slice(1)) job.result = "canceled";
    let lucky: string | undefined;
    agents.beforeDisable = (agent) => {
      agents.beforeDisable = undefined;
      lucky = agent.name;
      const assignTime = new Date().toISOString();
      jobs.push(ado.state.addJob(linux, { agent, assignTime, receiveTime: assignTime }));
    };
    await registeredAndBusy();
    await until("two that are left", autoscale, async () => (await tasksOf(linux)) === 2);
    await workflows.settled();

    const busy = ado.state.agentsOf(linux).filter(({ job }) => job !== undefined);
    expect(busy).toHaveLength(2);
    expect(busy.filter(({ name }) => name === lucky)).toMatchObject([{ enabled: true }]);
    await agents.finish(linux);
    await schedule.stop();
    expect(jobs.map(({ result }) => result).sort()).toEqual([...Array(4).fill("canceled"), "succeeded", "succeeded"]);

    const outcomes = workflows.executions.map(({ end }) => [end?.status, end?.states.at(-1)]);
    expect(outcomes.sort()).toEqual([...Array(3).fill(["SUCCEEDED", "Gone"]), ["SUCCEEDED", "Stays"]]);
    expect(agents.events.filter(({ agent }) => agent === lucky).map(({ what }) => what)).toContain("enable");
    expect(agents.killed).toEqual([]);
  });

  it("took each agent out in the one safe order: disable, look again, delete, stop", () => {
    const stopped = agents.events.filter(({ what }) => what === "stop").map(({ agent }) => agent);
    expect(new Set(stopped).size).toBe(3);
    for (const agent of stopped) {
      const steps = agents.events.filter((event) => event.agent === agent).map(({ what }) => what);
      expect(steps.join(" ")).toMatch(/\bdisable look (?:.* )?delete stop$/);
      expect(steps.filter((step) => ["delete", "stop", "enable"].includes(step))).toEqual(["delete", "stop"]);
    }
  });

  it("rests with its placeholders and its floor, though the cancelled jobs are told for ever", async () => {
    expect(await autoscale.invoke(wakeUp)).toMatchObject([
      { lastDecision: { action: "hold", wanted: 0, supply: 0 } },
      { lastDecision: { action: "hold", wanted: 1, supply: 1 } },
    ]);
    expect(namesIn(linux)).toEqual(["agent-fleets-keeps-the-queue-open"]);
    const [floor] = await agents.tasks(large);
    expect(floor).toMatchObject({ role: "floor" });
    expect((await desk.status()).agents).toMatchObject([
      { agent: floor?.agentName, pool: `${stack}.large`, state: "idle" },
    ]);
    expect(await desk.findings()).toEqual([]);
  });

  it("is woken by service hooks that show the secret", async () => {
    const webhook = await operator.start(`${stack}-webhook`, stack);
    const door = await startDoor(webhook);
    const post = async (secret: string) => {
      const body = JSON.stringify({ eventType: "ms.vss-pipelines.job-state-changed-event" });
      const headers = { "x-agent-fleets-hook": secret };
      return (await fetch(`${door.url}/service-hook`, { method: "POST", headers, body })).status;
    };
    expect(await post("another")).toBe(401);
    expect(operator.callsOf(webhook, "Invoke")).toEqual([]);
    expect(await post(hookSecret)).toBe(200);
    expect(operator.callsOf(webhook, "Invoke").map(({ input }) => input.FunctionName)).toEqual([autoscale.name]);
    await door.close();
  });

  it("made no call that its roles do not allow", () => {
    const calls = [...operator.functions.flatMap((each) => operator.callsOf(each)), ...workflows.calls()];
    const operations = new Set(calls.map(({ caller, operation }) => `${caller} ${operation}`));
    const made = [...operations].map((each) => each.replace(/^(?:role:)?e2e-ado-|-us-west-2(?= )/g, ""));
    expect(made.filter((each) => each !== onlySometimes).sort()).toEqual([
      "autoscale DescribeImages",
      "autoscale DescribeTasks",
      "autoscale GetItem",
      "autoscale GetSecretValue",
      "autoscale ListExecutions",
      "autoscale ListTasks",
      "autoscale PutItem",
      "autoscale Query",
      "autoscale RunTask",
      "autoscale SendMessage",
      "autoscale StartExecution",
      "autoscale TagResource",
      "autoscale UpdateItem",
      "retire GetItem",
      "retire GetSecretValue",
      "retire-workflow DescribeTasks",
      "retire-workflow Invoke",
      "retire-workflow StopTask",
      "webhook GetSecretValue",
      "webhook Invoke",
    ]);
    expect(callsWithoutRight(calls, deployment.stateFile(stack))).toEqual([]);
  });

  it("a second plan is empty", async () => {
    const options = { cwd: deployment.stackFolder(stack), env: deployment.env };
    const plan = await run("terraform", ["plan", "-detailed-exitcode", "-input=false", "-no-color"], options);
    expect(plan).toMatchObject({ code: 0, output: expect.stringContaining("No changes.") });
  });

  it("no secret is in state, plan, synthesized JSON, logs or calls to anyone but Secrets Manager", async () => {
    const options = { cwd: deployment.stackFolder(stack), env: deployment.env };
    const first = ["-state=none.tfstate", "-refresh=false", "-out=first.plan", "-input=false"];
    const planned = await mustRun("terraform", ["plan", ...first], options);
    const shown = await mustRun("terraform", ["show", "-json", "first.plan"], options);
    expect(shown.output.includes('"secret_string_wo_version"')).toBe(true);
    expect(deployment.filesWith("secret_string_wo")).toContain(deployment.stateFile(stack));
    expect(deployment.filesWith(canary)).toEqual([]);
    rmSync(`${options.cwd}/first.plan`);

    const logs = operator.functions.map((each) => each.logs);
    const lines = [...logs, ...deployment.logs, ...operator.logs, planned.output, shown.output].join("\n").split("\n");
    expect(lines.some((line) => line.includes('"message":"retirement step"'))).toBe(true);
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
    expect([...(deployment.front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  });

  it("destroy leaves nothing", async () => {
    await agents.leave(large);
    await deployment.destroy();
    expect(await deployment.whatExists()).toEqual(nothingOf(deployment.stacks));
  });
});
