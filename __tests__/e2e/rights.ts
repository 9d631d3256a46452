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
      Condition: z.partialRecord(z.enum(["StringEquals", "ArnEquals"]), z.record(z.string(), z.string())).default({}),
    }),
  ),
});

type Statement = z.output<typeof policyDocument>["Statement"][number];

const terraformState = z.object({
  resources: z.array(
    z.object({ type: z.string(), instances: z.array(z.object({ attributes: z.record(z.string(), z.unknown()) })) }),
  ),
});

/** What a call asks of the caller's role. */
interface Need {
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/** The calls that the caller's role, as Terraform's state has it, does not allow; each with what is missing. */
export function callsWithoutRight(calls: readonly AwsCall[], stateFile: string): string[] {
  const { resources } = terraformState.parse(JSON.parse(readFileSync(stateFile, "utf8")));
  const all = (type: string) =>
    resources
      .filter((resource) => resource.type === type)
      .flatMap(({ instances }) => instances.map(({ attributes }) => attributes));
  const statementsOf = new Map(
    all("aws_iam_role_policy").map(({ role, policy }) => [
      String(role),
      policyDocument.parse(JSON.parse(String(policy))).Statement,
    ]),
  );
  const arnOf = (name: unknown) => {
    const named = [...all("aws_lambda_function"), ...all("aws_dynamodb_table")];
    return named.find((each) => each.function_name === name || each.name === name)?.arn ?? `no resource named ${name}`;
  };
  const taskDefinitions = all("aws_ecs_task_definition").map(({ arn }) => String(arn));
  /** By ARN, or by family and revision. */
  const taskDefinition = (name: unknown) =>
    taskDefinitions.find((arn) => arn === name || arn.endsWith(`/${name}`)) ?? `no task definition ${name}`;
  const passedRoles = all("aws_ecs_task_definition").flatMap(({ execution_role_arn, task_role_arn }) => [
    String(execution_role_arn),
    String(task_role_arn),
  ]);

  const needs = (call: AwsCall): Need[] => {
    const { service, operation, input } = call;
    const cluster = { "ecs:cluster": String(input.cluster) };
    const need = (action: string, resource: unknown, context: Need["context"] = {}): Need => ({
      action,
      resource: String(resource),
      context,
    });
    switch (`${service}:${operation}`) {
      case "ecs:ListTasks":
        return [need("ecs:ListTasks", "*", cluster)];
      case "ecs:DescribeTasks":
        return [input.tasks].flat().map((task) => need("ecs:DescribeTasks", task, cluster));
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
      case "ecs:StopTask":
        return [need("ecs:StopTask", input.task, cluster)];
      case "secretsmanager:GetSecretValue":
        return [need("secretsmanager:GetSecretValue", input.SecretId)];
      case "dynamodb:PutItem":
      case "dynamodb:Scan":
        return [need(`dynamodb:${operation}`, arnOf(input.TableName))];
      case "lambda:Invoke":
        return [need("lambda:InvokeFunction", arnOf(input.FunctionName))];
      case "sns:Publish":
        return [need("sns:Publish", input.TopicArn)];
      case "states:ListExecutions":
      case "states:StartExecution":
        return [need(`states:${operation}`, input.stateMachineArn)];
      default:
        return [need(`${service}:${operation}`, "an unknown call: say here what it needs")];
    }
  };

  const missing = calls.flatMap((call) => {
    const statements = statementsOf.get(roleOf(call)) ?? [];
    return needs(call)
      .filter((need) => !statements.some((statement) => allows(statement, need)))
      .map(({ action, resource }) => `${call.caller} may not ${action} on ${resource}`);
  });
  return [...new Set(missing)];
}

/** Name of the role that a call is made by. */
function roleOf({ caller }: AwsCall): string {
  return caller.startsWith("role:") ? caller.slice("role:".length) : `${caller}-role`;
}

function allows({ Action, Resource, Condition }: Statement, { action, resource, context }: Need): boolean {
  return (
    Action.includes(action) &&
    Resource.some((pattern) => matches(pattern, resource)) &&
    Object.values(Condition).every((operator) =>
      Object.entries(operator ?? {}).every(([key, value]) => context[key] === value),
    )
  );
}

/** Stars stand for anything in IAM. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}
