import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { reportDrain } from "../../../handlers/lib/core/drain-report.ts";
import type { Agent, AgentRole, AgentState } from "../../../handlers/lib/core/model.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { startedByLoop } from "../../../handlers/lib/settings/ecs-capacity.ts";
import type { PoolSettings } from "../../../handlers/lib/settings/pool.ts";
import { createEcsFake } from "../../../scripts/simulate/world/ecs.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../fakes/http-fake.ts";
import { createSettingsTableFake } from "../../fakes/settings-table.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { fleet, type Outcome } from "./harness.ts";

const cluster = "arn:aws:ecs:eu-west-1:000000000000:cluster/ci-agents";

/** A deployed fleet named `ci-agents` as an operator's commands see it: AWS behind HTTP, and the loop's reports. */
export type DrainWorld = Awaited<ReturnType<typeof createDrainWorld>>;

/**
 * Starts the world. Close it in the end.
 *
 * AWS's Auto Scaling is as far modelled as the commands ask: DescribeAutoScalingGroups with the group's instances, and
 * UpdateAutoScalingGroup, which changes MinSize and ends no instance:
 * https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
 */
export async function createDrainWorld(kind: "tasks" | "group" = "tasks") {
  const clock = createFakeClock();
  const table = createSettingsTableFake("ci-agents-settings");
  const ecs = createEcsFake(clock);
  const documents = new Map<string, string>();
  const group = { min: 0, max: 10, desired: 0, instances: new Map<string, string>() };
  const updates: number[] = [];
  let refuseUpdate = false;
  const extra: ((request: FakeRequest) => FakeAnswer | undefined)[] = [];

  const aws: HttpFake = await startHttpFake((request) => {
    const [service, operation = ""] = String(request.headers["x-amz-target"] ?? "").split(".");
    for (const answer of extra) {
      const found = answer(request);
      if (found) return found;
    }
    if (service === "DynamoDB_20120810") return table.answer(request) ?? answerState(operation, request);
    if (service === "AmazonEC2ContainerServiceV20141113") {
      return ecs.answer(request);
    }
    return answerGroup(new URLSearchParams(request.body.toString()));
  });

  function answerState(operation: string, request: FakeRequest): FakeAnswer {
    const { TableName, Key } = JSON.parse(request.body.toString());
    if (operation !== "GetItem" || TableName !== "ci-agents-state") {
      return { status: 400, json: { __type: "ResourceNotFoundException", message: "Requested resource not found" } };
    }
    const document = documents.get(Key.key.S);
    return { status: 200, json: document === undefined ? {} : { Item: { document: { S: document } } } };
  }

  function answerGroup(form: URLSearchParams): FakeAnswer {
    const action = form.get("Action");
    const xml = (text: string, status = 200) => ({ status, headers: { "content-type": "text/xml" }, text });
    if (action === "UpdateAutoScalingGroup") {
      if (refuseUpdate) {
        const error = "<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>";
        return xml(`<ErrorResponse>${error}</ErrorResponse>`, 403);
      }
      group.min = Number(form.get("MinSize"));
      updates.push(group.min);
      return xml("<UpdateAutoScalingGroupResponse/>");
    }
    if (action === "DescribeInstances")
      return xml("<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>");
    if (action === "DescribeScalingActivities") {
      return xml("<R><DescribeScalingActivitiesResult><Activities/></DescribeScalingActivitiesResult></R>");
    }
    const instances = [...group.instances]
      .map(([id, state]) => `<member><InstanceId>${id}</InstanceId><LifecycleState>${state}</LifecycleState></member>`)
      .join("");
    const sizes = `<MinSize>${group.min}</MinSize><MaxSize>${group.max}</MaxSize><DesiredCapacity>${group.desired}</DesiredCapacity>`;
    const member = `<member><AutoScalingGroupName>ci-agents</AutoScalingGroupName>${sizes}<Instances>${instances}</Instances></member>`;
    return xml(
      `<R><DescribeAutoScalingGroupsResult><AutoScalingGroups>${member}</AutoScalingGroups></DescribeAutoScalingGroupsResult></R>`,
    );
  }

  const env = { AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const cwd = await mkdtemp(join(tmpdir(), "fleet-test-"));
  await writeFile(join(cwd, "ci-agents.yaml"), configs[kind]);

  /** What happens while the command sleeps, one step each; the last one again and again. */
  const steps: (() => void | Promise<void>)[] = [];
  const world = {
    clock,
    table,
    ecs,
    group,
    updates,
    documents,
    aws,
    extra,
    steps,
    refuseUpdates() {
      refuseUpdate = true;
    },
    putPool(policy: Partial<Policy> = {}, pool?: string) {
      const settings: PoolSettings = kind === "tasks" ? onTasks(policy) : onGroup(policy);
      table.putPool(pool, settings);
      if (kind === "group") group.min = settings.policy.min;
    },
    /** A running task of the loop's. */
    addTask(name: string, role: AgentRole = "burst") {
      const environment = [
        { name: "TFC_AGENT_NAME", value: name },
        { name: "AGENT_FLEETS_ROLE", value: role },
      ];
      return ecs.add({
        family: "ci-agents",
        clusterArn: cluster,
        startedBy: startedByLoop,
        overrides: { containerOverrides: [{ name: "agent", environment }] },
      });
    },
    endTask(task: ReturnType<typeof ecs.add>) {
      Object.assign(task, { lastStatus: "STOPPED", desiredStatus: "STOPPED", stoppedAt: clock.now() });
    },
    /** The loop looks, and reports these agents: id → state. */
    async report(agents: Readonly<Record<string, AgentState>>, changes: Partial<Agent> = {}, pool?: string) {
      const key = `document drain ci-agents${pool ? `.${pool}` : ""}`;
      const notebook = { write: async (document: unknown) => void documents.set(key, JSON.stringify(document)) };
      const seen = Object.entries(agents).map(([capacityId, state]): Agent => {
        const name = capacityId.split("/").at(-1) ?? "";
        return { name, capacityId, state, role: "burst", launchedAt: clock.now(), ...changes };
      });
      await reportDrain({ drainReport: notebook, clock }, seen);
    },
    run(...args: string[]): Promise<Outcome> {
      let at = 0;
      const sleep = async (milliseconds: number) => {
        await clock.sleep(milliseconds);
        await steps[Math.min(at, steps.length - 1)]?.();
        at += 1;
      };
      return fleet(args, { cwd, env: { AGENT_FLEETS_CONFIG: "ci-agents.yaml" }, clock: { now: clock.now, sleep } });
    },
    async close() {
      vi.unstubAllEnvs();
      await Promise.all([aws.close(), rm(cwd, { recursive: true })]);
    },
  };
  return world;
}

const configs = {
  tasks: "kind: ecs-fleet\nregion: eu-west-1\nvendor: { type: hcp-terraform, organization: acme, agentPool: aws }\n",
  group: [
    "kind: ec2-fleet",
    "region: eu-west-1",
    "vendor:",
    "  type: spacelift",
    "  workerPoolId: 01J8ZAMD640000000000000001",
    "  endpoint: https://acme.app.spacelift.io",
    "  apiKeyId: 01J8ZAPIKEY00000000000000A",
    "",
  ].join("\n"),
};

function onTasks(policy: Partial<Policy>): PoolSettings {
  return {
    policy: policyOf({ min: 1, max: 10, buffer: 0, ...policy }),
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      demand: "api",
    },
    capacity: {
      type: "ecs",
      cluster,
      taskDefinition: "ci-agents:1",
      container: "agent",
      capacityProviders: ["FARGATE"],
      subnets: ["subnet-a"],
      securityGroups: [],
      assignPublicIp: "false",
      enableExecuteCommand: false,
      nameVariable: "TFC_AGENT_NAME",
    },
  };
}

function onGroup(policy: Partial<Policy>): PoolSettings {
  return {
    policy: policyOf({ min: 1, max: 10, buffer: 0, canRetire: true, departure: "by-retirement", ...policy }),
    vendor: {
      type: "spacelift",
      endpoint: "https://acme.app.spacelift.io",
      apiKeyId: "01J8ZAPIKEY00000000000000A",
      workerPoolId: "01J8ZAMD640000000000000001",
      group: "ci-agents",
    },
    capacity: { type: "asg", group: "ci-agents", hook: "agent-fleets-retire", bootSeconds: 1200 },
  };
}
