import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { type ITerraformDependable, Lazy } from "cdktf";
import { Construct } from "constructs";
import type { StackContext } from "./stack-context.ts";

/** One statement of an IAM policy. */
export interface Statement {
  /** @default Allow */
  readonly effect?: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** The value of a condition that one of these texts fulfils. */
export function oneOrSeveral(texts: readonly string[]): string | readonly string[] {
  return texts.length === 1 ? String(texts[0]) : texts;
}

/** IAM policy JSON of statements. */
export function policyDocument(statements: readonly Statement[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map(({ effect = "Allow", actions, resources, condition }) => ({
      Effect: effect,
      Action: actions,
      Resource: resources,
      ...(condition && { Condition: condition }),
    })),
  });
}

/** A role that one AWS service assumes. The resources that it uses add rights (`secret.grantRead(role)`). */
export class ServiceRole extends Construct {
  readonly arn: string;
  readonly name: string;
  private policy: IamRolePolicy | undefined;
  private readonly statements: Statement[] = [];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** Service principal, such as `lambda.amazonaws.com`. */
      readonly service: string;
      readonly description: string;
      /** Further conditions of the trust policy. */
      readonly trustCondition?: Statement["condition"];
    },
  ) {
    super(scope, id);
    const { context } = props;
    const role = new IamRole(this, "role", {
      name: `${context.name}-${id}`,
      description: props.description,
      path: context.iamPath,
      permissionsBoundary: context.permissionsBoundaryArn,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: props.service },
            ...(props.trustCondition && { Condition: props.trustCondition }),
          },
        ],
      }),
    });
    this.arn = role.arn;
    this.name = role.name;
  }

  /** Adds one statement to the role's inline policy. Adding it again changes nothing. */
  allow(statement: Statement): void {
    const known = JSON.stringify(statement);
    if (this.statements.some((other) => JSON.stringify(other) === known)) return;
    this.statements.push(statement);
    this.policy ??= new IamRolePolicy(this, "policy", {
      name: "rights",
      role: this.name,
      policy: Lazy.stringValue({ produce: () => policyDocument(this.statements) }),
    });
  }

  /** Resources that must exist before the service can use the role's rights. */
  get ready(): ITerraformDependable[] {
    return this.policy ? [this.policy] : [];
  }

  /** Lets the role use the stack's customer managed key, if there is one. */
  allowKey(context: StackContext, actions: readonly string[]): void {
    if (context.kmsKeyArn) this.allow({ actions, resources: [context.kmsKeyArn] });
  }
}
