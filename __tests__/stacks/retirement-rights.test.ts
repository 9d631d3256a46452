import { describe, expect, it } from "vitest";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import {
  account,
  arn,
  containers,
  groupArn,
  instances,
  kmsKeyArn,
  machine,
  onInstances,
  reference,
  variablesOf,
} from "./retirement.ts";
import { rightsOf, statements } from "./synth.ts";

const allow = (Action: string[], Resource: unknown[], Condition?: object) => ({
  Effect: "Allow",
  Action,
  Resource,
  ...(Condition && { Condition }),
});
const retireFunction = reference("aws_lambda_function\\.retirement_retire_function_\\w+\\.arn");
const logs = (name: string) =>
  allow(
    ["logs:CreateLogStream", "logs:PutLogEvents"],
    [expect.stringMatching(`retirement_${name}_logs_\\w+\\.arn}:\\*`)],
  );
const notes = (...tags: string[]) =>
  allow(["ec2:CreateTags"], [`${arn}:ec2:us-west-2:${account}:instance/*`], {
    StringEquals: { "aws:ResourceTag/aws:autoscaling:groupName": "ci" },
    "ForAllValues:StringEquals": { "aws:TagKeys": tags },
  });
const readSettings = allow(["dynamodb:GetItem"], [expect.stringMatching(/aws_dynamodb_table\.settings_.+\.arn/)]);
const lookAndNote = [
  allow(["autoscaling:DescribeAutoScalingInstances", "ec2:DescribeInstances"], ["*"]),
  notes("AgentFleetsLeft"),
];

describe("rights", () => {
  it("the workflow on containers may do exactly this", () => {
    expect(rightsOf(containers, "retire-workflow")).toEqual([
      allow(["lambda:InvokeFunction"], [retireFunction]),
      allow(["sns:Publish"], [reference("aws_sns_topic\\.alarm-topic_\\w+\\.arn")]),
      allow(["ecs:DescribeTasks", "ecs:StopTask"], [`${arn}:ecs:us-west-2:${account}:task/ci/*`], {
        ArnEquals: { "ecs:cluster": reference("aws_ecs_cluster\\.capacity_\\w+\\.arn") },
        StringEquals: { "aws:ResourceTag/Fleet": "ci" },
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
    expect(rightsOf(containers, "autoscale")).toContainEqual(
      allow(["states:DescribeExecution"], [expect.stringMatching(/:execution:.+:\*$/)]),
    );
  });

  it("the retire function reads one secret and the settings of pools, and cannot end anything", () => {
    expect(rightsOf(containers, "retirement_retire_retire-role")).toEqual([
      logs("retire"),
      readSettings,
      allow(["secretsmanager:GetSecretValue"], [expect.stringContaining("secret-pat")]),
    ]);
    expect(rightsOf(instances, "retirement_retire_retire-role")).toEqual([
      logs("retire"),
      readSettings,
      ...lookAndNote,
    ]);
  });

  it("where only instances tell what they do it may run commands on those of this group", () => {
    const stack = onInstances({ asksInstances: true });
    expect(rightsOf(stack, "retirement_retire_retire-role").slice(1)).toEqual([
      readSettings,
      ...lookAndNote,
      allow(["ssm:SendCommand"], [`${arn}:ssm:us-west-2::document/AWS-RunShellScript`]),
      allow(["ssm:SendCommand"], [`${arn}:ec2:us-west-2:${account}:instance/*`], {
        StringEquals: { "ssm:resourceTag/aws:autoscaling:groupName": "ci" },
      }),
      allow(["ssm:GetCommandInvocation"], ["*"]),
    ]);
    expect(retireEnv.parse(variablesOf(stack, "ci-retire")).GROUP).toEqual(["ci"]);
  });

  it("Spacelift defect 11: the release function takes from its queue and cannot send to it", () => {
    const rights = rightsOf(instances, "retirement_release_release-role");
    expect(rights).toEqual([
      logs("release"),
      allow(["states:StartExecution"], [machine]),
      allow(["autoscaling:DescribeAutoScalingInstances"], ["*"]),
      notes("AgentFleetsRegistered", "AgentFleetsNeverRegistered", "AgentFleetsLeft"),
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
