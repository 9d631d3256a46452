import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import * as z from "zod";
import { ArchiveProvider } from "#provider-archive/provider";
import { BaseStack } from "../../stacks/base-stack.ts";
import { type CommonConfig, commonFields } from "../../stacks/config/common.ts";
import { AlarmTopic } from "../../stacks/constructs/alarms/alarm-topic.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { SettingsTable } from "../../stacks/constructs/functions/settings-table.ts";
import { ReleaseQueue } from "../../stacks/constructs/retirement/release-queue.ts";
import { RetirementWorkflow } from "../../stacks/constructs/retirement/workflow.ts";
import { resources, type Synthesized, stubBundles, synthesize } from "./synth.ts";

/** What ARNs begin with, in whatever partition. */
export const arn = "arn:${data.aws_partition.partition.partition}";
/** The account of the stack. */
export const account = "${data.aws_caller_identity.account.account_id}";
/** A key of the stack's. */
export const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
/** The group of {@link instances}. */
export const groupArn = "arn:aws:autoscaling:us-west-2:123456789012:autoScalingGroup:1-2-3:autoScalingGroupName/ci";
/** The role of {@link instances}. */
export const instanceRole = { arn: "arn:aws:iam::123456789012:role/ci-instances" };

/** A fleet of two pools on containers, whose agents the loop retires. */
export const containers = synthesize({
  kind: "ecs-fleet",
  region: "us-west-2",
  vendor: { type: "azure-devops", organization: "acme" },
  pools: [
    { key: "linux", name: "Linux" },
    { key: "large", name: "Large" },
  ],
  retirement: { drainTimeoutSeconds: 7200 },
});

/** What {@link onInstances} is told. */
export interface Given {
  readonly kmsKeyArn?: string;
  readonly asksInstances?: boolean;
  readonly maxConcurrency?: number;
  readonly groups?: readonly { readonly name: string; readonly arn: string }[];
}

class InstancesStack extends BaseStack<CommonConfig> {
  constructor(
    app: FleetApp,
    common: CommonConfig,
    { asksInstances = false, maxConcurrency, groups = [{ name: "ci", arn: groupArn }] }: Given,
  ) {
    super(app, "ci", common);
    const { context } = this;
    new ArchiveProvider(this, "archive");
    new RetirementWorkflow(this, "retirement", {
      context,
      topic: new AlarmTopic(this, "topic", { context, emails: [], subscriptions: [], chat: [] }),
      capacity: {
        type: "asg",
        groups,
        hook: "agent-fleets-retire",
        instanceRole,
        releaseQueue: new ReleaseQueue(this, "release-queue", context),
        asksInstances,
      },
      drainTimeoutSeconds: 21_600,
      maxConcurrency,
      settings: new SettingsTable(this, "settings", context, { pools: [] }),
      vendor: { apiToken: undefined },
    });
  }
}

/** A stack that has nothing but the retirement workflow of a group of instances. */
export function onInstances(given: Given = {}): Synthesized {
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

/** See {@link onInstances}. */
export const instances = onInstances();

/** Matches a reference of Terraform's to what the pattern says. */
export const reference = (pattern: string) => expect.stringMatching(new RegExp(`^\\$\\{${pattern}\\}$`));
/** Matches the ARN of the workflow. */
export const machine = reference("aws_sfn_state_machine\\.retirement_workflow_\\w+\\.arn");

/** The environment of the function of this name. */
export function variablesOf(stack: Synthesized, name: string): unknown {
  const found = resources(stack, "aws_lambda_function").find(({ function_name }) => function_name === name);
  return (found?.environment as { readonly variables: unknown }).variables;
}
