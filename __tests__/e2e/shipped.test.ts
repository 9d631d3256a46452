import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HcpTerraformFake, startHcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { canary, type Deployment, nothingOf, prepareDeployment } from "./deployment.ts";
import { openDesk } from "./desk.ts";
import { makeWhatExists } from "./existing.ts";
import { createHcpOperator, type HcpOperator } from "./hcp-operator.ts";
import { decisionsOf, scheduled, until, wakeUp } from "./operator.ts";
import { callsWithoutRight } from "./rights.ts";
import { missingTools, root, run } from "./toolchain.ts";

const missing = missingTools({ moto: true, cdktf: true });
if (missing) process.stderr.write(`SKIPPED: deploying the shipped configs. Missing here: ${missing}\n`);

const region = "us-west-2";
const apiToken = `${canary}api-token`;
/** A fleet on the hosts of a cluster on a shared network: three stacks, one after the other. */
const onHosts = { fleet: "hcp-on-cluster", cluster: "cluster-shared", pool: "aws-hosts" };

const configs = Object.fromEntries(
  readdirSync(join(root, "config"))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => [basename(file, ".yaml"), readFileSync(join(root, "config", file), "utf8")] as const),
);
const stacks = Object.keys(configs);

/** Resources that a stack must have, by the beginning of its name. */
const kinds: readonly (readonly [prefix: string, listed: readonly string[]])[] = [
  ["azure-devops-", ["clusters", "functions", "secrets", "stateMachines", "repositories", "buildProjects", "buckets"]],
  ["spacelift-", ["functions", "stateMachines", "groups", "launchTemplates", "queues", "rules", "topics"]],
  ["semaphore-", ["functions", "stateMachines", "groups", "launchTemplates", "queues", "rules", "instanceProfiles"]],
  ["machine-image-", ["roles", "instanceProfiles", "logGroups"]],
  ["network-", ["vpcs", "subnets", "parameters"]],
  ["cluster-", ["clusters", "groups", "launchTemplates", "instanceProfiles", "topics"]],
  ["hcp-on-cluster", ["functions", "secrets", "roles", "httpApis", "securityGroups"]],
  ["hcp-", ["clusters", "functions", "secrets", "roles", "httpApis", "securityGroups"]],
];

describe.skipIf(missing)("the shipped configs, deployed to an emulator of AWS", () => {
  let hcp: HcpTerraformFake;
  let deployment: Deployment;
  let operator: HcpOperator;

  beforeAll(async () => {
    hcp = await startHcpTerraformFake();
    hcp.state.token = apiToken;
    deployment = await prepareDeployment(configs, {
      notification_token: `${canary}hmac-key-0f3a9c1e7b5d2468ace013579bdf`,
      tfc_agent_token: `${canary}agent-token`,
      ado_client_secret: `${canary}client-secret`,
    });
    operator = createHcpOperator(deployment, { hcp, region, apiToken });
    const { certificateArn } = await makeWhatExists(deployment.moto.url, region);
    for (const stack of stacks.filter((each) => configs[each]?.includes("certificateArn"))) {
      edit(stack, /arn:aws:acm:[\w:/-]+/g, certificateArn);
    }
    edit(onHosts.fleet, "organization:", `address: "${hcp.url}", organization:`);
    await deployment.deploy();
  });

  afterAll(async () => {
    await operator?.close();
    await deployment?.close();
    await hcp?.close();
  });

  /** Changes the settings of a shipped config that an emulator needs otherwise. */
  function edit(stack: string, from: string | RegExp, to: string): void {
    const file = join(deployment.configFolder, `${stack}.yaml`);
    const text = readFileSync(file, "utf8");
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`${stack} has no ${from}`);
    writeFileSync(file, edited);
  }

  it("all stacks are there", async () => {
    const existing = await deployment.whatExists();
    expect(Object.keys(existing)).toEqual(stacks);
    for (const [stack, { remembered, listed }] of Object.entries(existing)) {
      const [, least = []] = kinds.find(([prefix]) => stack.startsWith(prefix)) ?? [];
      expect(least).not.toEqual([]);
      expect(remembered.length).toBeGreaterThan(10);
      expect(listed, stack).toEqual(expect.arrayContaining([...least]));
    }
  });

  describe.concurrent("at once", () => {
    it("a fleet on a cluster's hosts launches there, and only there, until all is done", async () => {
      const { fleet, cluster, pool } = onHosts;
      expect(await operator.fleet(["hcp", "token", "create", "--store", fleet, "--create-pool"])).toMatchObject({
        code: 0,
      });
      expect(await operator.fleet(["secret", "set", fleet, "api-token"], { stdin: apiToken })).toMatchObject({
        code: 0,
      });
      const autoscale = await operator.start(`${fleet}-autoscale`, fleet);
      const agents = operator.agentsOf(pool, cluster);
      const { state } = hcp;
      const runs = [1, 2, 3].map((each) =>
        state.queueRun(state.addWorkspace(`on-hosts-${each}`, operator.poolOf(pool))),
      );

      const schedule = scheduled(autoscale);
      await until("three tasks", autoscale, async () => (await agents.tasks()).length === runs.length);
      await agents.register();
      agents.takeJobs();
      await until("a tick that sees all runs run", autoscale, () =>
        decisionsOf(autoscale).some(({ running }) => running === runs.length),
      );
      const at = { endpoint: deployment.moto.url, region };
      const desk = await openDesk({ stack: fleet, loops: [autoscale], operator }, at);
      const read = await desk.status();
      desk.close();
      expect(read.pools).toMatchObject([{ queued: 0, running: 3, wanted: 3, agents: { busy: 3 } }]);
      const names = (await agents.tasks()).map(({ agentName }) => agentName);
      expect(read.agents.map(({ agent }) => agent).sort()).toEqual(names.sort());
      await agents.finish();
      expect(state.openRuns(pool)).toEqual([]);
      await schedule.stop();
      expect(await autoscale.invoke(wakeUp)).toMatchObject([
        { lastDecision: { action: "hold", wanted: 0, supply: 0 } },
      ]);

      const launches = operator.callsOf(autoscale, "RunTask").map(({ input }) => input);
      expect(launches).toHaveLength(runs.length);
      for (const launch of launches) {
        expect(launch).toMatchObject({
          cluster: expect.stringMatching(new RegExp(`:cluster/${cluster}$`)),
          capacityProviderStrategy: [{ capacityProvider: `hosts-${cluster}`, weight: 1 }],
          placementStrategy: [{ type: "binpack", field: "memory" }],
        });
        expect(launch).not.toHaveProperty("launchType");
      }
      const calls = operator.callsOf(autoscale);
      expect(calls.filter(({ operation }) => operation === "StopTask")).toEqual([]);
      expect(callsWithoutRight(calls, deployment.stateFile(fleet))).toEqual([]);
    });

    it.each(stacks)("a second plan of %s is empty", async (stack) => {
      const options = { cwd: deployment.stackFolder(stack), env: deployment.env };
      const plan = await run("terraform", ["plan", "-detailed-exitcode", "-input=false", "-no-color"], options);
      expect(plan).toMatchObject({ code: 0, output: expect.stringContaining("No changes.") });
    });
  });

  it("no secret is in state, synthesized JSON, output or calls to anyone but Secrets Manager", () => {
    expect(deployment.filesWith("secret_string_wo")).toContain(deployment.stateFile("hcp-notifications"));
    expect(deployment.filesWith(canary)).toEqual([]);
    expect(deployment.logs.some((text) => text.includes(canary))).toBe(false);
    expect([...(deployment.front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  });

  it("destroy leaves nothing", async () => {
    await deployment.destroy();
    expect(await deployment.whatExists()).toEqual(nothingOf(stacks));
  });
});
