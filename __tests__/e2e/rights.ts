import { readFileSync } from "node:fs";
import * as z from "zod";
import type { AwsCall } from "./aws-front.ts";

const texts = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const policyDocument = z.object({
  Statement: z.array(
    z.object({
      Effect: z.literal("Allow"),
      Action: texts,
      Resource: texts,
      Condition: z
        .partialRecord(z.enum(["StringEquals", "ArnEquals", "ForAllValues:StringEquals"]), z.record(z.string(), texts))
        .default({}),
    }),
  ),
});

type Statement = z.output<typeof policyDocument>["Statement"][number];

const terraformState = z.object({
  resources: z.array(
    z.object({ type: z.string(), instances: z.array(z.object({ attributes: z.record(z.string(), z.unknown()) })) }),
  ),
});

/** The right that a call needs of the caller's role. */
interface Need {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/**
 * The calls that the caller's role in Terraform's state does not allow, each with the missing right.
 *
 * @param groupOf the Auto Scaling group of an instance
 */
export function callsWithoutRight(
  calls: readonly AwsCall[],
  stateFile: string,
  groupOf: (instance: string) => string = () => "none",
): string[] {
  const { resources } = terraformState.parse(JSON.parse(readFileSync(stateFile, "utf8")));
  const all = (type: string) =>
    resources
      .filter((resource) => resource.type === type)
      .flatMap(({ instances }) => instances.map(({ attributes }) => attributes));
  const managed = new Map(all("aws_iam_policy").map(({ arn, policy }) => [arn, policy]));
  const attached = all("aws_iam_role_policy_attachment").flatMap(({ role, policy_arn }) => {
    const policy = managed.get(policy_arn);
    return policy === undefined ? [] : [{ role, policy }];
  });
  const policies = [...all("aws_iam_role_policy"), ...attached];
  const statementsOf = (role: string) =>
    policies
      .filter((each) => each.role === role)
      .flatMap(({ policy }) => policyDocument.parse(JSON.parse(String(policy))).Statement);
  const arnOf = (name: unknown) => {
    const named = ["aws_lambda_function", "aws_dynamodb_table", "aws_autoscaling_group", "aws_sqs_queue"].flatMap(all);
    const found = named.find((each) => [each.function_name, each.url, each.name].includes(name));
    return found?.arn ?? `no resource named ${name}`;
  };
  const regionAndAccount = String(all("aws_lambda_function")[0]?.arn).split(":").slice(3, 5).join(":");
  /** By the function's name, and by the id of the role, which stands before an instance's id. */
  const roles = new Map([
    ...all("aws_lambda_function").map(
      (each) => [String(each.function_name), String(each.role).split("/").at(-1)] as const,
    ),
    ...all("aws_iam_role").map(({ unique_id, name }) => [String(unique_id), String(name)] as const),
  ]);
  const taskDefinitions = all("aws_ecs_task_definition").map(({ arn }) => String(arn));
  /** By ARN, or by family and revision. */
  const taskDefinition = (name: unknown) =>
    taskDefinitions.find((arn) => arn === name || arn.endsWith(`/${name}`)) ?? `no task definition ${name}`;
  /** The tags of the tasks that the fleet runs: RunTask copies them from its task definitions. */
  const taskTags = Object.fromEntries(
    Object.entries(all("aws_ecs_task_definition")[0]?.tags_all ?? {}).map(([key, value]) => [
      `aws:ResourceTag/${key}`,
      String(value),
    ]),
  );
  const passedRoles = all("aws_ecs_task_definition").flatMap(({ execution_role_arn, task_role_arn }) => [
    String(execution_role_arn),
    String(task_role_arn),
  ]);

  const needs = (call: AwsCall): Need[] => {
    const { service, operation, input } = call;
    const cluster = { "ecs:cluster": String(input.cluster) };
    const instanceArn = (id: unknown) => `arn:aws:ec2:${regionAndAccount}:instance/${id}`;
    const need = (action: string, resource: unknown, context: Need["context"] = {}): Need => ({
      action,
      resource: String(resource),
      context,
    });
    switch (`${service}:${operation}`) {
      case "ecs:ListTasks":
        return [need("ecs:ListTasks", "*", cluster)];
      case "ecs:DescribeTasks":
        return [input.tasks].flat().map((task) => need("ecs:DescribeTasks", task, { ...cluster, ...taskTags }));
      case "ecs:RunTask":
        return [
          need("ecs:RunTask", taskDefinition(input.taskDefinition), cluster),
          need("ecs:TagResource", `${cluster["ecs:cluster"].replace(":cluster/", ":task/")}/new`, {
            "ecs:CreateAction": "RunTask",
          }),
          ...passedRoles.map((role) =>
            need("iam:PassRole", role, { "iam:PassedToService": "ecs-tasks.amazonaws.com" }),
          ),
        ];
      case "ecs:TagResource": {
        const tags = [input.tags].flat() as { readonly key: string; readonly value: string }[];
        return [
          need("ecs:TagResource", input.resourceArn, {
            ...taskTags,
            "aws:TagKeys": tags.map(({ key }) => key),
            ...Object.fromEntries(tags.map(({ key, value }) => [`aws:RequestTag/${key}`, value])),
          }),
        ];
      }
      case "ecs:StopTask":
        return [need("ecs:StopTask", input.task, { ...cluster, ...taskTags })];
      case "secretsmanager:GetSecretValue":
        return [need("secretsmanager:GetSecretValue", input.SecretId)];
      case "dynamodb:GetItem":
      case "dynamodb:PutItem":
      case "dynamodb:Query":
      case "dynamodb:Scan":
      case "dynamodb:UpdateItem":
        return [need(`dynamodb:${operation}`, arnOf(input.TableName))];
      case "autoscaling:DescribeAutoScalingGroups":
      case "autoscaling:DescribeAutoScalingInstances":
      case "autoscaling:DescribeScalingActivities":
      case "ec2:DescribeImages":
      case "ec2:DescribeInstances":
      case "ssm:GetCommandInvocation":
        return [need(`${service}:${operation}`, "*")];
      case "autoscaling:SetDesiredCapacity":
      case "autoscaling:RecordLifecycleActionHeartbeat":
      case "autoscaling:CompleteLifecycleAction":
        return [need(`autoscaling:${operation}`, arnOf(input.AutoScalingGroupName))];
      case "autoscaling:TerminateInstanceInAutoScalingGroup":
        return [need(`autoscaling:${operation}`, arnOf(groupOf(String(input.InstanceId))))];
      case "ec2:CreateTags":
        return valuesOf(input, /^ResourceId\.\d+$/).map((id) =>
          need("ec2:CreateTags", instanceArn(id), {
            "aws:ResourceTag/aws:autoscaling:groupName": groupOf(id),
            "aws:TagKeys": valuesOf(input, /^Tag\.\d+\.Key$/),
          }),
        );
      case "ecr:DescribeImages":
        return [need("ecr:DescribeImages", `arn:aws:ecr:${regionAndAccount}:repository/${input.repositoryName}`)];
      case "ssm:SendCommand":
        return [
          need("ssm:SendCommand", `arn:aws:ssm:${regionAndAccount.split(":")[0]}::document/${input.DocumentName}`),
          ...[input.InstanceIds].flat().map((id) =>
            need("ssm:SendCommand", instanceArn(id), {
              "ssm:resourceTag/aws:autoscaling:groupName": groupOf(String(id)),
            }),
          ),
        ];
      case "sqs:SendMessage":
      case "sqs:ReceiveMessage":
      case "sqs:DeleteMessage":
        return [need(`sqs:${operation}`, arnOf(input.QueueUrl))];
      case "lambda:Invoke":
        return [need("lambda:InvokeFunction", arnOf(input.FunctionName))];
      case "sns:Publish":
        return [need("sns:Publish", input.TopicArn)];
      case "states:ListExecutions":
      case "states:StartExecution":
        return [need(`states:${operation}`, input.stateMachineArn)];
      case "states:DescribeExecution":
        return [need("states:DescribeExecution", input.executionArn)];
      default:
        return [need(`${service}:${operation}`, "an unknown call: say here what it needs")];
    }
  };

  const missing = calls.flatMap((call) => {
    const statements = statementsOf(roleOf(call, roles));
    return needs(call)
      .filter((need) => !statements.some((statement) => allows(statement, need)))
      .map(({ action, resource }) => `${call.caller} may not ${action} on ${resource}`);
  });
  return [...new Set(missing)];
}

/** Name of the role of a call's caller. */
function roleOf({ caller }: AwsCall, roles: ReadonlyMap<string, string | undefined>): string {
  if (caller.startsWith("role:")) return caller.slice("role:".length);
  return roles.get(caller.replace(/:i-.*$/, "")) ?? `no role of ${caller}`;
}

/** The values of a form's fields with matching names. */
function valuesOf(form: AwsCall["input"], names: RegExp): string[] {
  return Object.entries(form).flatMap(([name, value]) => (names.test(name) ? [String(value)] : []));
}

function allows({ Action, Resource, Condition }: Statement, { action, resource, context }: Need): boolean {
  return (
    Action.includes(action) &&
    Resource.some((pattern) => matches(pattern, resource)) &&
    Object.values(Condition).every((operator) =>
      Object.entries(operator ?? {}).every(([key, values]) =>
        [context[key] ?? ""].flat().every((value) => values.includes(value)),
      ),
    )
  );
}

/** In IAM a star matches any text. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}
