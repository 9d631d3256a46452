import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { synthesizeShipped } from "./linters/shipped.ts";
import { statements } from "./synth.ts";

/**
 * The actions that our policies allow on `*`. Each either has no resource type, by the service authorization reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/), or is limited by its condition.
 */
const unnameable = new Set([
  ...["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"],
  // Amazon Q in chat draws the metrics of an alarm.
  ...["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"],
  ...[
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ecr:GetAuthorizationToken",
  ],
  ...["ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage"],
  ...["ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply", "ecs:DiscoverPollEndpoint"],
  ...["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions", "ecs:ListTasks", "logs:DescribeLogGroups"],
  ...["ssm:GetCommandInvocation", "ssm:ListAssociations", "ssm:PutInventory", "ssmmessages:CreateControlChannel"],
  ...["ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"],
]);
/** What Lambda itself does with these, by the condition, no code of a function can do. */
const lambdaAlone = { Null: { "lambda:SourceFunctionArn": "true" } };

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every statement of every role of the shipped stacks, but for the text that a config itself has. */
const rights = [...(await synthesizeShipped(folder))].flatMap(([stack, { resource }]) =>
  Object.entries(resource.aws_iam_role_policy ?? {})
    .filter(([id]) => !id.startsWith("consumer_"))
    .flatMap(([id, { policy }]) =>
      statements(policy).map((statement) => ({
        where: `${stack} ${id}`,
        stack,
        statement,
        actions: [statement.Action].flat(),
        resources: [statement.Resource ?? []].flat().map(String),
        condition: JSON.stringify(statement.Condition ?? {}),
      })),
    ),
);

describe("§2.3: no role of a shipped stack", () => {
  it("has rights on all of something that can be named", () => {
    const wide = rights.filter(
      ({ actions, resources, statement }) =>
        resources.includes("*") &&
        JSON.stringify(statement.Condition) !== JSON.stringify(lambdaAlone) &&
        actions.some((action) => !unnameable.has(action)),
    );
    expect(wide).toEqual([]);
    expect(rights.filter(({ actions }) => actions.some((action) => action.includes("*")))).toEqual([]);
  });

  it("stops, starts or marks tasks of a neighbour in any cluster", () => {
    const onTasks = rights.filter(({ resources }) => resources.some((arn) => arn.includes(":task/")));
    for (const { where, stack, actions, condition } of onTasks) {
      const launches = condition.includes('"ecs:CreateAction":"RunTask"');
      const own = condition.includes(`"aws:ResourceTag/Fleet":"${stack}"`);
      // A deployer watches its service's tasks, and AWS has no condition for a service there: docs/ecs-cluster.md.
      const looks = where.includes(" deployer_") && actions.join() === "ecs:DescribeTasks";
      expect(launches || own || looks, where).toBe(true);
    }
    expect(onTasks.length).toBeGreaterThan(0);
    for (const { where, stack, actions, resources } of rights) {
      if (!actions.includes("ecs:RunTask")) continue;
      const own = new RegExp(`:task-definition/${stack}(_[^:/*]+)?:\\*$`);
      for (const arn of resources) expect(arn, where).toMatch(own);
    }
  });

  it("commands, marks or ends instances of a neighbour", () => {
    const onInstances = rights.filter(({ resources }) => resources.some((arn) => arn.includes(":instance/*")));
    for (const { where, stack, actions, condition } of onInstances) {
      // By these an SSM agent speaks for its own instance.
      if (actions.every((action) => /^ssm:(Update|Put|Describe|Get|List)/.test(action))) continue;
      expect(condition, where).toMatch(new RegExp(`ResourceTag/aws:autoscaling:groupName":\\[?"${stack}"`, "i"));
    }
    expect(onInstances.length).toBeGreaterThan(0);
  });

  it("passes a role that is not of its stack, or to another service than the one that needs it", () => {
    const passing = rights.filter(({ actions }) => actions.includes("iam:PassRole"));
    for (const { where, statement, resources } of passing) {
      expect(statement.Action, where).toEqual(["iam:PassRole"]);
      for (const arn of resources) expect(arn, where).toMatch(/^\$\{aws_iam_role\.[\w-]+\.arn\}$/);
      expect(statement.Condition, where).toEqual({
        StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" },
      });
    }
    expect(passing.length).toBeGreaterThan(0);
  });

  it("writes a log, a table, a queue or a secret but by name", () => {
    const kinds = /:(logs|dynamodb|sqs|secretsmanager|states|lambda|sns|kms):/;
    for (const { where, stack, resources } of rights) {
      for (const arn of resources.filter((each) => kinds.test(each) && each.includes("*"))) {
        // What follows a name: the streams of a log group, the executions of a workflow.
        const own = new RegExp(`(\\$\\{aws_\\w+\\.[\\w-]+\\.(arn|name)\\}|[:/]${stack}[\\w-]*):\\*$`);
        expect(arn, where).toMatch(own);
      }
    }
  });
});
