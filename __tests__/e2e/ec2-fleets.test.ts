import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { type SemaphoreFake, startSemaphoreFake } from "../fakes/semaphore.ts";
import type { FakeWorkerPool } from "../fakes/spacelift/state.ts";
import { runMessage, signatureHeaders } from "../fakes/spacelift/webhooks.ts";
import { type SpaceliftFake, startSpaceliftFake } from "../fakes/spacelift.ts";
import { canary, type Deployment, nothingOf, prepareDeployment } from "./deployment.ts";
import { type Desk, openDesk } from "./desk.ts";
import { startDoor } from "./door.ts";
import { type InstanceFleet, readBoot, type VendorAgents, watchFleet } from "./instances.ts";
import { createOperator, decisionsOf, type Operator, onlySometimes, scheduled, until, wakeUp } from "./operator.ts";
import { feedFromQueue } from "./queue-source.ts";
import { callsWithoutRight } from "./rights.ts";
import { createSemaphoreAgents, type SemaphoreAgents } from "./semaphore-agents.ts";
import { createSpaceliftWorkers, type SpaceliftWorkers } from "./spacelift-workers.ts";
import { runWorkflows, type Workflows } from "./step-functions.ts";
import { missingTools, mustRun, run } from "./toolchain.ts";

const missing = missingTools({ moto: true, cdktf: true });
if (missing) process.stderr.write(`SKIPPED: running deployed fleets on instances. Missing here: ${missing}\n`);

const region = "us-west-2";
const spaceliftFleet = "e2e-spacelift";
const semaphoreFleet = "e2e-semaphore";
const fleets = [spaceliftFleet, semaphoreFleet];
const poolId = "01E2E000000000000000000001";
const secrets = {
  spacelift_api_key_secret: `${canary}api-key-secret`,
  worker_pool_config: `${canary}pool-token`,
  spacelift_webhook_secret: `${canary}webhook-key-0f3a9c1e7b5d2468ace013579bdf`,
  agent_type_token: `${canary}agent-type-token`,
};

const configs = (spacelift: string, semaphore: string) => ({
  [spaceliftFleet]: `
kind: ec2-fleet
region: ${region}
vendor: { type: spacelift, workerPoolId: ${poolId}, endpoint: "${spacelift}", apiKeyId: 01TESTKEY, webhook: { enabled: true } }
agents: { min: 1, max: 4, initial: 1 }
scaling: { tickSeconds: 5, scaleInCooldownSeconds: 0 }
alarms: { emails: [ops@example.com] }
network: { create: { egress: public-ip } }
secrets:
  apiKeySecret: { variable: spacelift_api_key_secret }
  workerPoolToken: { variable: worker_pool_config }
  webhookSecret: { variable: spacelift_webhook_secret }
`,
  [semaphoreFleet]: `
kind: ec2-fleet
region: ${region}
vendor: { type: semaphore, endpoint: "${new URL(semaphore).host}" }
agents: { min: 1, max: 3 }
scaling: { tickSeconds: 5 }
network: { create: { egress: public-ip } }
secrets: { agentTypeToken: { variable: agent_type_token } }
`,
});

/** The AWS calls of a fleet's functions and workflow, for every vendor. */
const usualCalls = [
  "autoscale CreateTags",
  "autoscale DescribeAutoScalingGroups",
  "autoscale DescribeImages",
  "autoscale DescribeInstances",
  "autoscale DescribeScalingActivities",
  "autoscale GetItem",
  "autoscale GetSecretValue",
  "autoscale ListExecutions",
  "autoscale PutItem",
  "autoscale Query",
  "autoscale SendMessage",
  "autoscale SetDesiredCapacity",
  "autoscale StartExecution",
  "autoscale UpdateItem",
  "release DeleteMessage",
  "release DescribeAutoScalingInstances",
  "release ReceiveMessage",
  "release StartExecution",
  "retire CreateTags",
  "retire GetItem",
  "retire GetSecretValue",
  "retire-workflow CompleteLifecycleAction",
  "retire-workflow DescribeAutoScalingInstances",
  "retire-workflow DescribeInstances",
  "retire-workflow Invoke",
  "retire-workflow RecordLifecycleActionHeartbeat",
  "retire-workflow TerminateInstanceInAutoScalingGroup",
];

describe.skipIf(missing)("deployed fleets on instances", () => {
  let spacelift: SpaceliftFake;
  let semaphore: SemaphoreFake;
  let deployment: Deployment;
  let operator: Operator;
  let workflows: Workflows;
  /** Starts the background work: schedules, and queues that invoke functions. */
  const background: { stop(): Promise<void> }[] = [];
  let pool: FakeWorkerPool;
  let workers: SpaceliftWorkers;
  let agents: SemaphoreAgents;
  let onSpacelift: InstanceFleet;
  let onSemaphore: InstanceFleet;
  let desk: Desk;

  beforeAll(async () => {
    spacelift = await startSpaceliftFake();
    spacelift.state.secret = secrets.spacelift_api_key_secret;
    spacelift.state.group = spaceliftFleet;
    pool = spacelift.state.addPool(poolId);
    semaphore = await startSemaphoreFake();
    semaphore.state.token = secrets.agent_type_token;
    deployment = await prepareDeployment(configs(spacelift.url, semaphore.url), secrets);
    operator = createOperator(deployment, { region });
    await deployment.deploy();

    const { front } = deployment;
    const start = (name: string) => operator.start(name, fleets.find((fleet) => name.startsWith(fleet)) ?? "");
    workflows = runWorkflows({ front, region, start });
    for (const fleet of fleets)
      background.push(await feedFromQueue(await start(`${fleet}-release`), { front, region }));
    const fleetOf = async (name: string, vendor: VendorAgents) =>
      watchFleet({ front, region, name, vendor, loop: await start(`${name}-autoscale`) });
    workers = createSpaceliftWorkers(spacelift, pool);
    onSpacelift = await fleetOf(spaceliftFleet, workers);
    const at = { endpoint: deployment.moto.url, region };
    desk = await openDesk({ stack: spaceliftFleet, loops: [onSpacelift.loop], operator }, at);
    const boot = await readBoot(front, region, semaphoreFleet);
    agents = await createSemaphoreAgents({ front, region, semaphore, boot });
    onSemaphore = await fleetOf(semaphoreFleet, agents);
  });

  afterAll(async () => {
    desk?.close();
    await operator?.close();
    await deployment?.close();
    await spacelift?.close();
    await semaphore?.close();
  });

  const queueJobs = (count: number) => Array.from({ length: count }, () => semaphore.queueJob());
  const raisesOf = ({ loop }: InstanceFleet) =>
    operator.callsOf(loop, "SetDesiredCapacity").map(({ input }) => Number(input.DesiredCapacity));
  const sizes = async () => [await onSpacelift.desired(), await onSemaphore.desired()];
  const retirementsOf = (instance: string) =>
    workflows.executions.flatMap(({ name, end }) =>
      name.startsWith(instance) ? [`${name.split(".")[1]}: ${end?.states.at(-1)}`] : [],
    );
  const plansOf = (args: readonly string[]) =>
    Promise.all(
      fleets.map((fleet) => {
        const options = { cwd: deployment.stackFolder(fleet), env: deployment.env };
        return run("terraform", ["plan", "-input=false", "-no-color", ...args], options);
      }),
    );

  it("grow from their floors to their ceilings for more jobs than that", async () => {
    expect(await sizes()).toEqual([1, 1]);
    pool.pendingRuns = 6;
    queueJobs(5);
    background.push(scheduled(onSpacelift.loop), scheduled(onSemaphore.loop));
    await until("four instances", onSpacelift.loop, async () => (await onSpacelift.ids()).length === 4);
    await until("three with their roles", onSemaphore.loop, async () => {
      const roles = (await onSemaphore.running()).map(({ role }) => role);
      return roles.length === 3 && !roles.includes(undefined);
    });
    await onSpacelift.work();
    await onSemaphore.work();
    for (const [fleet, most] of [[onSpacelift, 4] as const, [onSemaphore, 3] as const]) {
      const { loop } = fleet;
      await until("a look at all jobs", loop, () => decisionsOf(loop).some(({ running }) => running === most));
      expect(raisesOf(fleet)).toEqual([most]);
    }
    const idleTimeouts = [...semaphore.state.agents.values()].map(({ idleTimeoutSeconds }) => idleTimeoutSeconds);
    expect(idleTimeouts.sort()).toEqual([0, 300, 300]);
  });

  it("Spacelift's operator reads how many run and wait, why two do, and which secret is still empty", async () => {
    const [ids, read] = [await onSpacelift.ids(), await desk.status()];
    expect(read.pools).toMatchObject([{ queued: 2, running: 4, wanted: 4, max: 4, agents: { busy: 4 } }]);
    expect(read.agents.map(({ agent }) => agent).sort()).toEqual(ids.sort());
    expect(read.agents.every(({ state }) => state === "busy")).toBe(true);
    expect(read.secrets).toContainEqual({ secret: "webhook-secret", has_value: true });
    const empty = { id: "secret-empty", evidence: [expect.stringContaining("pool-private-key")] };
    expect(await desk.doctor()).toMatchObject([empty, { id: "at-ceiling" }]);
    const stdin = Buffer.from("PRIVATE KEY-----").toString("base64");
    expect(await operator.fleet(["secret", "set", spaceliftFleet, "pool-private-key"], { stdin })).toMatchObject({
      code: 0,
    });
    expect(await desk.doctor()).toMatchObject([{ id: "at-ceiling" }]);
  });

  it("a second plan is empty, and leaves the groups as large as they are", async () => {
    const empty = { code: 0, output: expect.stringContaining("No changes.") };
    expect(await plansOf(["-detailed-exitcode"])).toMatchObject([empty, empty]);
    expect(await sizes()).toEqual([4, 3]);
  });

  describe.concurrent("at once", () => {
    it("Spacelift: retires idle workers by name, but none that gets a run meanwhile, down to the floor", async () => {
      await onSpacelift.finish();
      await onSpacelift.finish();
      expect([workers.finished, pool.pendingRuns]).toEqual([6, 0]);
      let lucky = "";
      workers.beforeDrain = (instance) => {
        workers.beforeDrain = undefined;
        lucky = instance;
        pool.pendingRuns += 1;
        workers.startRun(instance);
      };
      await until("the floor", onSpacelift.loop, async () => (await onSpacelift.ids()).length === 1);
      await workflows.settled();

      expect(await onSpacelift.ids()).toEqual([lucky]);
      expect(workers.of(lucky)).toMatchObject({ busy: true, drained: false });
      expect(onSpacelift.stepsOf(lucky)).toBe("drain undrain");
      expect(retirementsOf(lucky)).toEqual(["scale-in: Stays"]);
      const others = [...onSpacelift.seen].filter((id) => id !== lucky);
      expect(others).toHaveLength(3);
      for (const id of others) {
        expect(onSpacelift.stepsOf(id)).toBe("drain drain terminate heartbeat drain drain complete");
        expect(retirementsOf(id)).toEqual(["scale-in: Gone", "terminating: Gone"]);
      }
      expect(await onSpacelift.desired()).toBe(1);
    });

    it("Semaphore: replaces agents that leave after their job while jobs wait, and then none above the floor", async () => {
      const first = await onSemaphore.ids();
      await onSemaphore.finish();
      await onSemaphore.gone(first);
      await workflows.settled();
      for (const id of first) {
        expect(onSemaphore.stepsOf(id)).toBe("drain drain replace heartbeat drain drain complete");
        expect(retirementsOf(id)).toEqual(["release: Gone", "terminating: Gone"]);
      }
      await onSemaphore.work();
      const second = (await onSemaphore.ids()).filter(agents.isBusy);
      expect(second).toHaveLength(2);
      await onSemaphore.finish();
      await onSemaphore.gone(second);
      await workflows.settled();
      for (const id of second) {
        expect(onSemaphore.stepsOf(id)).toBe("drain drain terminate heartbeat drain drain complete");
      }
      expect(semaphore.state.jobs.size).toBe(0);
      expect([await onSemaphore.desired(), (await onSemaphore.ids()).length]).toEqual([1, 1]);
    });

    it("no secret is in a plan", async () => {
      const planned = await plansOf(["-state=none.tfstate", "-refresh=false", "-out=first.plan"]);
      for (const fleet of fleets) {
        const options = { cwd: deployment.stackFolder(fleet), env: deployment.env };
        const { output } = await mustRun("terraform", ["show", "-json", "first.plan"], options);
        rmSync(`${options.cwd}/first.plan`);
        expect(output.includes('"secret_string_wo_version"')).toBe(true);
        expect(output.includes(canary)).toBe(false);
      }
      expect(planned.filter(({ code, output }) => code !== 0 || output.includes(canary))).toEqual([]);
    });
  });

  it("keep instances that somebody ends until their job is done, though AWS's notice of it is lost", async () => {
    const { front } = deployment;
    front.losesNotices = true;
    queueJobs(1);
    await onSemaphore.work();
    const endByHand = async (fleet: InstanceFleet) => {
      const [old = ""] = (await fleet.ids()).filter(fleet.vendor.isBusy);
      // An instance speaks for itself alone.
      await agents.sendToQueue(agents.sessionOf("i-0123456789abcdef0"), {
        "detail-type": "EC2 Spot Instance Interruption Warning",
        detail: { "instance-id": old },
      });
      await fleet.endByHand(old);
      const heartbeats = () => fleet.stepsOf(old).split("heartbeat").length - 1;
      await until("three heartbeats", fleet.loop, () => heartbeats() >= 3);
      await fleet.work();
      expect(await fleet.ids()).toHaveLength(2);
      await fleet.finish(old);
      await fleet.gone([old]);
      expect(fleet.stepsOf(old)).toMatch(/(?:heartbeat drain ){3,}drain complete$/);
      expect(await fleet.desired()).toBe(1);
      return old;
    };
    const ended = await Promise.all([onSpacelift, onSemaphore].map(endByHand));
    await workflows.settled();
    expect(ended.map(retirementsOf)).toEqual([["scale-in: Stays", "terminating: Gone"], ["terminating: Gone"]]);
    front.losesNotices = false;
  });

  it("are woken by the webhook that `fleet spacelift webhook add` makes in Spacelift, by messages that it signed", async () => {
    const output = join(deployment.stackFolder(spaceliftFleet), "../..");
    const add = [
      "spacelift",
      "webhook",
      "add",
      spaceliftFleet,
      "--api-key",
      "01TESTKEY",
      "--no-synth",
      "--output",
      output,
    ];
    const { TF_CLI_CONFIG_FILE = "" } = deployment.env;
    const env = { TF_CLI_CONFIG_FILE, SPACELIFT_API_KEY_SECRET: secrets.spacelift_api_key_secret };
    expect(await operator.fleet(add, { env })).toMatchObject({ code: 0, stdout: expect.stringContaining("created") });
    const [made] = [...spacelift.state.webhooks.values()].map(({ input }) => input);
    expect(made).toMatchObject({ secret: secrets.spacelift_webhook_secret, enabled: true });
    const { endpoint } = z.object({ endpoint: z.string() }).parse(made);
    expect(new URL(endpoint).pathname).toBe("/run-events");
    const webhook = await operator.start(`${spaceliftFleet}-webhook`, spaceliftFleet);
    const door = await startDoor(webhook);
    const post = async (state: string, key: string) => {
      const body = JSON.stringify(runMessage(state, Math.floor(Date.now() / 1000)));
      const headers = { "content-type": "application/json", ...signatureHeaders(body, key) };
      return (await fetch(`${door.url}/run-events`, { method: "POST", headers, body })).status;
    };
    expect(await post("QUEUED", "test-another-key")).toBe(401);
    expect(await post("FINISHED", secrets.spacelift_webhook_secret)).toBe(200);
    expect(operator.callsOf(webhook, "Invoke")).toEqual([]);
    expect(await post("QUEUED", secrets.spacelift_webhook_secret)).toBe(200);
    const woken = operator.callsOf(webhook, "Invoke").map(({ input }) => input.FunctionName);
    expect(woken).toEqual([onSpacelift.loop.name]);
    await door.close();
  });

  it("Spacelift's operator pauses the loop without a deploy, lets it go on, and then finds nothing wrong", async () => {
    const { loop } = onSpacelift;
    await onSpacelift.work();
    const reasons = () => decisionsOf(loop).map(({ reason }) => reason);
    const pause = ["pause", spaceliftFleet, "--reason", "a trial"];
    expect(await operator.fleet(pause)).toMatchObject({ code: 0 });
    await until("the pause", loop, () => reasons().at(-1)?.includes("a trial") === true);
    expect(await desk.doctor()).toMatchObject([{ id: "paused", evidence: [expect.stringContaining("a trial")] }]);
    expect(await operator.fleet(["resume", spaceliftFleet])).toMatchObject({ code: 0 });
    await until("the loop to go on", loop, () => reasons().at(-1)?.includes("a trial") === false);
    expect(await desk.doctor()).toEqual([]);
    const read = await desk.status();
    expect(read.pools).toMatchObject([{ queued: 0, running: 0, wanted: 1, paused: null, agents: { idle: 1 } }]);
    expect(read.agents.map(({ agent }) => agent)).toEqual(await onSpacelift.ids());
  });

  it("rest at their floors, all jobs done and none killed", async () => {
    await Promise.all(background.map((each) => each.stop()));
    for (const fleet of [onSpacelift, onSemaphore]) {
      await fleet.work();
      const lastDecision = { action: "hold", wanted: 1, supply: 1 };
      expect(await fleet.loop.invoke(wakeUp)).toMatchObject([{ lastDecision }]);
      expect(fleet.killed).toEqual([]);
    }
    expect([workers.finished, pool.pendingRuns, semaphore.state.jobs.size]).toEqual([7, 0, 0]);
  });

  it.each([
    [spaceliftFleet, ["webhook GetSecretValue", "webhook Invoke"]],
    [
      semaphoreFleet,
      [
        "instance GetSecretValue",
        "instance SendMessage",
        "release CreateTags",
        "retire DescribeInstances",
        "retire GetCommandInvocation",
        "retire SendCommand",
      ],
    ],
  ])("%s made no call that its roles do not allow", (fleet, more) => {
    const { seen } = fleet === spaceliftFleet ? onSpacelift : onSemaphore;
    const ofInstances = deployment.front.calls.filter(({ caller }) => seen.has(caller.replace(/^AROA\w+:/, "")));
    const calls = [...operator.functions.flatMap((each) => operator.callsOf(each)), ...workflows.calls()]
      .filter(({ caller }) => caller.includes(fleet))
      .concat(ofInstances);
    const made = calls.map(({ caller, operation }) => {
      const who = caller.startsWith("AROA") ? "instance" : caller.replace(/^(?:role:)?e2e-[a-z]+-|-us-west-2$/g, "");
      return `${who} ${operation}`;
    });
    const operations = [...new Set(made)].filter((each) => each !== onlySometimes);
    expect(operations.sort()).toEqual([...usualCalls, ...more].sort());
    expect(callsWithoutRight(calls, deployment.stateFile(fleet), (id) => (seen.has(id) ? fleet : "none"))).toEqual([]);
  });

  it("no secret is in state, synthesized JSON, user data, logs or calls to anyone but Secrets Manager", async () => {
    expect(deployment.filesWith("secret_string_wo")).toEqual(
      expect.arrayContaining(fleets.map((fleet) => deployment.stateFile(fleet))),
    );
    expect(deployment.filesWith(canary)).toEqual([]);
    for (const fleet of fleets) {
      const { program } = await readBoot(deployment.front, region, fleet);
      expect(program.includes(":secret:")).toBe(true);
      expect(program.includes(canary)).toBe(false);
    }
    const lines = [...operator.functions.map(({ logs }) => logs), ...deployment.logs].join("\n").split("\n");
    expect(lines.some((line) => line.includes('"message":"notice taken"'))).toBe(true);
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
    expect([...(deployment.front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  });

  it("destroy leaves nothing", async () => {
    const kinds = ["groups", "launchTemplates", "instances", "queues", "queueMappings", "rules"];
    const before = Object.values(await deployment.whatExists()).map(({ listed }) => listed);
    for (const listed of before) expect(listed).toEqual(expect.arrayContaining(kinds));
    await deployment.destroy();
    expect(await deployment.whatExists()).toEqual(nothingOf(deployment.stacks));
  });
});
