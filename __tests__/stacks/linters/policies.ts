import type { PolicyStatement, Synthesized } from "../synth.ts";

const place = "us-west-2:123456789012";

/** An ARN of each type of resource that policies refer to, in the form of the service authorization reference. */
const arns: Readonly<Record<string, string>> = {
  aws_autoscaling_group: `arn:aws:autoscaling:${place}:autoScalingGroup:11111111-2222-3333-4444-555555555555:autoScalingGroupName/name`,
  aws_cloudwatch_event_rule: `arn:aws:events:${place}:rule/name`,
  aws_cloudwatch_log_group: `arn:aws:logs:${place}:log-group:name`,
  aws_codebuild_project: `arn:aws:codebuild:${place}:project/name`,
  aws_dynamodb_table: `arn:aws:dynamodb:${place}:table/name`,
  aws_ecr_repository: `arn:aws:ecr:${place}:repository/name`,
  aws_ecs_cluster: `arn:aws:ecs:${place}:cluster/name`,
  aws_iam_role: "arn:aws:iam::123456789012:role/name",
  aws_lambda_function: `arn:aws:lambda:${place}:function:name`,
  aws_s3_bucket: "arn:aws:s3:::name",
  aws_secretsmanager_secret: `arn:aws:secretsmanager:${place}:secret:name-AbCdEf`,
  aws_sfn_state_machine: `arn:aws:states:${place}:stateMachine:name`,
  aws_sns_topic: `arn:aws:sns:${place}:name`,
  aws_sqs_queue: `arn:aws:sqs:${place}:name`,
};

/** A value as Terraform might put it in place of an expression. Fails for an expression that is not known here. */
function exampleOf(expression: string): string {
  const [, type = "", attribute] = /^(?:data\.)?(\w+)\.[\w-]+\.(\w+)$/.exec(expression) ?? [];
  const value = { account_id: "123456789012", partition: "aws", name: "name", arn: arns[type] }[attribute ?? ""];
  if (value === undefined) throw new Error(`add an example of ${expression} to __tests__/stacks/linters/policies.ts`);
  return value;
}

/**
 * Every policy of stacks, of identities, resources and trust: its address → its statements, as those of an identity.
 * Whom they are for is left out; where a trust policy has no resource, it is `*`.
 */
export function policiesOf(stacks: ReadonlyMap<string, Synthesized>): ReadonlyMap<string, readonly PolicyStatement[]> {
  const found = new Map<string, readonly PolicyStatement[]>();
  for (const [stack, { resource }] of stacks) {
    for (const [type, named] of Object.entries(resource)) {
      for (const [id, attributes] of Object.entries(named)) {
        textsIn(attributes)
          .filter((text) => text.includes('"Statement"'))
          .forEach((text, index) => {
            found.set(`${stack}: ${type}.${id} ${index}`, statementsIn(text));
          });
      }
    }
  }
  return found;
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function statementsIn(text: string): PolicyStatement[] {
  const filled = text.replaceAll(/(?<!\$)\$\{([^}]+)}/g, (_, expression: string) => exampleOf(expression));
  const { Statement }: { Statement: PolicyStatement[] } = JSON.parse(filled.replaceAll("$${", "${"));
  return Statement.map(({ Principal, ...rest }) => ({ ...rest, Resource: rest.Resource ?? "*" }));
}
