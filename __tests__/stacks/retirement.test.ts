import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArchiveProvider } from "@cdktf/provider-archive/lib/provider";
import validate from "asl-validator";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { autoscaleEnv } from "../../handlers/autoscale/env.ts";
import { releaseEnv } from "../../handlers/release/env.ts";
import { retireEnv } from "../../handlers/retire/env.ts";
import { FleetApp } from "../../stacks/app.ts";
import { BaseStack } from "../../stacks/base-stack.ts";
import { type CommonConfig, commonFields } from "../../stacks/config/common.ts";
import { AlarmTopic } from "../../stacks/constructs/alarms/alarm-topic.ts";
import { bundleHandlers } from "../../stacks/constructs/functions/bundle.ts";
import { noticeRules } from "../../stacks/constructs/retirement/events.ts";
import { ReleaseQueue } from "../../stacks/constructs/retirement/release-queue.ts";
import { RetirementWorkflow } from "../../stacks/constructs/retirement/workflow.ts";
import { matches } from "../fakes/event-pattern.ts";
import {
  interruptionEvent,
  launchEvent,
  rebalanceEvent,
  stateEvent,
  terminateEvent,
} from "../fakes/instance-events.ts";
import {
  minimal,
  type PolicyStatement,
  resources,
  rightsOf,
  type Synthesized,
  statements,
  stubBundles,
  synthesize,
  theOnly,
} from "./synth.ts";

const arn = "arn:${data.aws_partition.partition.partition}";
const account = "${data.aws_caller_identity.account.account_id}";
const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
const groupArn = "arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:1-2-3:autoScalingGroupName/ci";
const instanceRole = { arn: "arn:aws:iam::123456789012:role/ci-instances", uniqueId: "AROAEXAMPLEOFTHEFLEET" };

const containers = synthesize({
  kind: "ecs-fleet",
  region: "us-west-2",
  vendor: { type: "azure-devops", organization: "acme" },
  pools: [
    { key: "linux", name: "Linux" },
    { key: "large", name: "Large" },
  ],
  retirement: { drainTimeoutSeconds: 7200 },
});

interface Given {
  readonly kmsKeyArn?: string;
  readonly asksInstances?: boolean;
  readonly maxConcurrency?: number;
}

class InstancesStack extends BaseStack<CommonConfig> {
  constructor(app: FleetApp, common: CommonConfig, { asksInstances = false, maxConcurrency }: Given) {
    super(app, "ci", common);
    const { context } = this;
    new ArchiveProvider(this, "archive");
    new RetirementWorkflow(this, "retirement", {
      context,
      topic: new AlarmTopic(this, "topic", { context, emails: [], subscriptions: [] }),
      capacity: {
        type: "asg",
        group: "ci",
        groupArn,
        hook: "agent-fleets-retire",
        instanceRole,
        releaseQueue: new ReleaseQueue(this, "release-queue", context),
        asksInstances,
      },
      drainTimeoutSeconds: 21_600,
      maxConcurrency,
      vendor: {
        runtime: { type: "hcp-terraform", organization: "acme", agentPool: "aws", address: "https://x", demand: "api" },
        apiToken: undefined,
      },
    });
  }
}

function onInstances(given: Given = {}): Synthesized {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  try {
    const app = new FleetApp(stubBundles, folder);
    new InstancesStack(
      app,
      z.strictObject(commonFields).parse({ region: "us-west-2", kmsKeyArn: given.kmsKeyArn }),
      given,
    );
    app.synth();
    return JSON.parse(readFileSync(join(folder, "stacks", "ci", "cdk.tf.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const instances = onInstances();
const allow = (Action: string[], Resource: unknown[], Condition?: object) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...(Condition && { Condition }),
});
const reference = (pattern: string) => expect.stringMatching(new RegExp(`^\\$\\{${pattern}\\}$`));
const retireFunction = reference("aws_lambda_function\\.retirement_retire_function_\\w+\\.arn");
const machine = reference("aws_sfn_state_machine\\.retirement_workflow_\\w+\\.arn");
const logs = (name: string) =>
  allow(
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    [expect.stringMatching(`retirement_${name}_logs_\\w+\\.arn}:\\*`)],
  );

function variablesOf(stack: Synthesized, name: string): unknown {
  const found = resources(stack, "aws_lambda_function").find(({ function_name }) => function_name === name);
  return (found?.environment as { readonly variables: unknown }).variables;
}

describe("which fleets have a workflow", () => {
  it("those whose agents the loop retires, and not those whose agents leave by themselves", () => {
    expect(theOnly(containers, "aws_sfn_state_machine")).toMatchObject({ name: "ci-retire", type: "STANDARD" });
    expect(resources(synthesize(minimal), "aws_sfn_state_machine")).toEqual([]);
    expect(resources(synthesize(minimal), "aws_lambda_function").map((each) => each.function_name)).toEqual([
      "ci-autoscale",
      "ci-webhook",
    ]);
  });

  it("containers have no release queue", () => {
    expect(
      resources(containers, "aws_lambda_function")
        .map((each) => each.function_name)
        .sort(),
    ).toEqual(["ci-autoscale", "ci-retire"]);
    expect(resources(containers, "aws_lambda_event_source_mapping")).toEqual([]);
  });

  it.each([
    ["containers", containers],
    ["instances", instances],
  ])("the definition as it is deployed is valid on %s", (_, stack) => {
    const text = String(theOnly(stack, "aws_sfn_state_machine").definition)
      .replaceAll("${data.aws_partition.partition.partition}", "aws")
      .replaceAll(/\$\{aws_(\w+?)\.[^}]+\}/g, "arn:aws:$1:us-west-2:123456789012:ci");
    expect(text).not.toContain("${");
    const { isValid, errorsText } = validate(JSON.parse(text), { checkPaths: true, checkArn: true });
    expect(errorsText()).toBe("");
    expect(isValid).toBe(true);
  });
});

describe("environments", () => {
  it("the retire function gets the vendor, and of several pools what differs", () => {
    expect(retireEnv.parse(variablesOf(containers, "ci-retire"))).toMatchObject({
      FLEET: "ci",
      VENDOR: { type: "azure-devops", pool: { name: "Linux" } },
      POOLS: [
        { pool: "linux", vendor: {} },
        { pool: "large", vendor: expect.objectContaining({ pool: { name: "Large" } }) },
      ],
      API_TOKEN_SECRET_ARN: expect.stringContaining("secret-pat"),
    });
  });

  it("the loop gets the workflow and its time limit", () => {
    expect(autoscaleEnv.parse(variablesOf(containers, "ci-autoscale")).RETIREMENTS).toEqual({
      workflow: machine,
      drainTimeoutSeconds: 7200,
    });
  });

  it("the release function gets the group, the role of its instances, and the workflow", () => {
    expect(releaseEnv.parse(variablesOf(instances, "ci-release"))).toEqual({
      FLEET: "ci",
      GROUP: "ci",
      INSTANCE_ROLE_ID: instanceRole.uniqueId,
      RETIREMENTS: { workflow: machine, drainTimeoutSeconds: 21_600 },
    });
  });
});

describe("rights", () => {
  it("the workflow on containers may do exactly this", () => {
    expect(rightsOf(containers, "retire-workflow")).toEqual([
      allow(["lambda:InvokeFunction"], [retireFunction]),
      allow(["sns:Publish"], [reference("aws_sns_topic\\.alarm-topic_\\w+\\.arn")]),
      allow(["ecs:StopTask"], [`${arn}:ecs:us-west-2:${account}:task/ci/*`], {
        ArnEquals: { "ecs:cluster": reference("aws_ecs_cluster\\.capacity_\\w+\\.arn") },
      }),
    ]);
  });

  it("Spacelift defect 20: the workflow on instances may do exactly this, on this group", () => {
    expect(rightsOf(instances, "retire-workflow")).toEqual([
      allow(["lambda:InvokeFunction"], [retireFunction]),
      allow(["sns:Publish"], [reference("aws_sns_topic\\.topic_\\w+\\.arn")]),
      allow(
        [
          "autoscaling:TerminateInstanceInAutoScalingGroup",
          "autoscaling:RecordLifecycleActionHeartbeat",
          "autoscaling:CompleteLifecycleAction",
        ],
        [groupArn],
      ),
      // Neither knows resources.
      allow(["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"], ["*"]),
    ]);
  });

  it("the workflow is trusted as this workflow alone", () => {
    const roles = Object.entries(instances.resource.aws_iam_role ?? {});
    const [, role] = roles.find(([id]) => id.includes("retire-workflow")) ?? [];
    expect(statements(role?.assume_role_policy)).toMatchObject([
      {
        Principal: { Service: "states.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": `${arn}:states:us-west-2:${account}:stateMachine:ci-retire` } },
      },
    ]);
  });

  it("the loop may start and list the executions of its workflow", () => {
    expect(rightsOf(containers, "autoscale")).toContainEqual(
      allow(["states:StartExecution", "states:ListExecutions"], [machine]),
    );
  });

  it("the retire function reads one secret, and cannot end anything", () => {
    expect(rightsOf(containers, "retirement_retire_retire-role")).toEqual([
      logs("retire"),
      allow(["secretsmanager:GetSecretValue"], [expect.stringContaining("secret-pat")]),
    ]);
    expect(rightsOf(instances, "retirement_retire_retire-role")).toEqual([logs("retire")]);
  });

  it("where only instances tell what they do it may run commands on those of this group", () => {
    const stack = onInstances({ asksInstances: true });
    expect(rightsOf(stack, "retirement_retire_retire-role").slice(1)).toEqual([
      allow(["ssm:SendCommand"], [`${arn}:ssm:us-west-2::document/AWS-RunShellScript`]),
      allow(["ssm:SendCommand"], [`${arn}:ec2:us-west-2:${account}:instance/*`], {
        StringEquals: { "ssm:resourceTag/aws:autoscaling:groupName": "ci" },
      }),
      allow(["ssm:GetCommandInvocation", "autoscaling:DescribeAutoScalingInstances"], ["*"]),
    ]);
    expect(retireEnv.parse(variablesOf(stack, "ci-retire")).GROUP).toBe("ci");
    expect(retireEnv.parse(variablesOf(instances, "ci-retire")).GROUP).toBeUndefined();
  });

  it("Spacelift defect 11: the release function takes from its queue and cannot send to it", () => {
    const rights = rightsOf(instances, "retirement_release_release-role");
    expect(rights).toEqual([
      logs("release"),
      allow(["states:StartExecution"], [machine]),
      allow(["autoscaling:DescribeAutoScalingInstances"], ["*"]),
      allow(
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        [`${arn}:sqs:us-west-2:${account}:ci-release`],
      ),
    ]);
  });

  it("with a key of the stack's the workflow can publish to a topic that is encrypted with it", () => {
    expect(rightsOf(onInstances({ kmsKeyArn }), "retire-workflow")).toContainEqual(
      allow(["kms:GenerateDataKey", "kms:Decrypt"], [kmsKeyArn]),
    );
  });
});

describe("the release queue", () => {
  const queueOf = (stack: Synthesized, name = "ci-release") =>
    resources(stack, "aws_sqs_queue").find((queue) => queue.name === name);
  const rules = ["terminating", "spot"].map((rule) => `${arn}:events:us-west-2:${account}:rule/ci-${rule}`);

  it("Semaphore defect 3: takes messages of the fleet's instances and of its rules, and of nobody else", () => {
    const policy: PolicyStatement[] = statements(queueOf(instances)?.policy);
    const send = { Effect: "Allow", Action: "sqs:SendMessage", Resource: `${arn}:sqs:us-west-2:${account}:ci-release` };
    expect(policy).toEqual([
      { ...send, Principal: { AWS: "*" }, Condition: { ArnEquals: { "aws:PrincipalArn": [instanceRole.arn] } } },
      {
        ...send,
        Principal: { Service: "events.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": rules } },
      },
    ]);
  });

  it.each([undefined, kmsKeyArn])("is encrypted in a way that EventBridge can use (key of the stack: %s)", (key) => {
    const queue = queueOf(onInstances(key === undefined ? {} : { kmsKeyArn: key }));
    expect(queue).toMatchObject({ sqs_managed_sse_enabled: true });
    expect(queue?.kms_master_key_id).toBeUndefined();
  });

  it("Spacelift defect 12: failures are told one by one, tried for half an hour, and then kept", () => {
    expect(theOnly(instances, "aws_lambda_event_source_mapping")).toMatchObject({
      batch_size: 10,
      function_response_types: ["ReportBatchItemFailures"],
      event_source_arn: `${arn}:sqs:us-west-2:${account}:ci-release`,
    });
    expect(JSON.parse(String(queueOf(instances)?.redrive_policy))).toEqual({
      deadLetterTargetArn: reference("aws_sqs_queue\\.release-queue_dead-letters_\\w+\\.arn"),
      maxReceiveCount: 10,
    });
    expect(queueOf(instances)).toMatchObject({ visibility_timeout_seconds: 180 });
    expect(statements(queueOf(instances, "ci-release-dead-letters")?.policy)).toMatchObject([
      { Condition: { ArnLike: { "aws:SourceArn": rules } } },
    ]);
  });

  it("maxConcurrency limits how much is taken in at once", () => {
    const mapping = (given: Given) => theOnly(onInstances(given), "aws_lambda_event_source_mapping").scaling_config;
    expect(mapping({ maxConcurrency: 5 })).toEqual({ maximum_concurrency: 5 });
    expect(mapping({})).toBeUndefined();
  });
});

describe("the rules that bring notices", () => {
  const instance = "i-0123456789abcdef0";
  const rules = noticeRules({ group: "ci", hook: "agent-fleets-retire" });
  const rulesFor = (event: object) => rules.filter(({ pattern }) => matches(pattern, event)).map(({ id }) => id);

  it("are deployed as they are, into the queue, with what cannot be delivered kept", () => {
    const deployed = resources(instances, "aws_cloudwatch_event_rule");
    expect(deployed.map(({ name }) => name).sort()).toEqual(["ci-spot", "ci-terminating"]);
    for (const { id, pattern } of rules) {
      expect(JSON.parse(String(deployed.find(({ name }) => name === `ci-${id}`)?.event_pattern))).toEqual(pattern);
    }
    for (const target of resources(instances, "aws_cloudwatch_event_target")) {
      expect(target).toMatchObject({
        arn: `${arn}:sqs:us-west-2:${account}:ci-release`,
        dead_letter_config: { arn: reference("aws_sqs_queue\\.release-queue_dead-letters_\\w+\\.arn") },
      });
    }
  });

  it.each([
    ["a termination of this group", terminateEvent(instance), ["terminating"]],
    ["a termination of another group", terminateEvent(instance, { AutoScalingGroupName: "ci-2" }), []],
    ["another hook of this group", terminateEvent(instance, { LifecycleHookName: "of-ecs" }), []],
    ["a launch in this group", launchEvent(instance), []],
    ["a Spot interruption", interruptionEvent(instance), ["spot"]],
    ["a rebalance recommendation", rebalanceEvent(instance), ["spot"]],
    ["another event of EC2", stateEvent(instance), []],
  ])("%s", (_, event, expected) => {
    expect(rulesFor(event)).toEqual(expected);
  });
});

describe("alarms", () => {
  const alarms = resources(instances, "aws_cloudwatch_metric_alarm");

  it("tell of failed retirements, failing functions and notices not taken in, and have a section in the runbook", () => {
    const runbook = readFileSync("docs/runbook.md", "utf8");
    expect(alarms.map(({ alarm_name }) => alarm_name).sort()).toEqual([
      "ci-release-dead-letters",
      "ci-release-failing",
      "ci-retire-failing",
      "ci-retirements-failing",
    ]);
    for (const { alarm_name } of alarms) expect(runbook).toContain(`\n## ${String(alarm_name).replace("ci-", "")}\n`);
    expect(alarms.find(({ alarm_name }) => alarm_name === "ci-retirements-failing")).toMatchObject({
      namespace: "AWS/States",
      metric_name: "ExecutionsFailed",
      dimensions: { StateMachineArn: machine },
    });
  });

  it.each(["retire", "release"])("watch the errors of the %s function, of which one alone is none", (name) => {
    expect(alarms.find(({ alarm_name }) => alarm_name === `ci-${name}-failing`)).toMatchObject({
      namespace: "AWS/Lambda",
      metric_name: "Errors",
      dimensions: { FunctionName: `ci-${name}` },
      statistic: "Sum",
      threshold: 3,
      treat_missing_data: "notBreaching",
      alarm_actions: [reference("aws_sns_topic\\.topic_\\w+\\.arn")],
    });
  });

  it("watch containers' retire function too, which have no release function", () => {
    const names = resources(containers, "aws_cloudwatch_metric_alarm").map(({ alarm_name }) => alarm_name);
    expect(names).toContain("ci-retire-failing");
    expect(names).not.toContain("ci-release-failing");
  });
});

describe("bundles", () => {
  it("are smaller than 1 MB each", async () => {
    const bundles = await bundleHandlers();
    for (const name of ["retire", "release"] as const) expect(Buffer.byteLength(bundles[name])).toBeLessThan(1_000_000);
  });
});
