import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { IamRole } from "#provider-aws/iam-role";
import { partitionOf } from "../config/regions.ts";
import { iamName, keepName } from "./global-name.ts";
import { RoleRights } from "./role-rights.ts";
import type { StackContext } from "./stack-context.ts";
import type { Statement } from "./statement.ts";

/** A role that one AWS service assumes. The resources that it uses add rights (`secret.grantRead(role)`). */
export class ServiceRole extends Construct {
  readonly arn: string;
  readonly name: string;
  private readonly rights: RoleRights;

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
      name: iamName(context, id),
      lifecycle: keepName(),
      description: props.description,
      path: context.iamPath,
      permissionsBoundary: context.permissionsBoundaryArn,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Action: "sts:AssumeRole",
            Principal: { Service: principalOf(props.service, context) },
            ...(props.trustCondition && { Condition: props.trustCondition }),
          },
        ],
      }),
    });
    this.arn = role.arn;
    this.name = role.name;
    this.rights = new RoleRights(this, { context, role: this.name, id });
  }

  /** Adds one statement to the role's rights. Adding it again changes nothing. */
  allow(statement: Statement): void {
    this.rights.allow(statement);
  }

  /** Resources that must exist before the service can use the rights that the role has by now. */
  get ready(): ITerraformDependable[] {
    return this.rights.ready;
  }

  /** Lets the role use the stack's customer managed key, if there is one. */
  allowKey(context: StackContext, actions: readonly string[]): void {
    if (context.kmsKeyArn) this.allow({ actions, resources: [context.kmsKeyArn] });
  }
}

/** EC2 alone has another principal in China, as AWS's CDK knows it (`region-info`, service principals). */
function principalOf(service: string, { region }: StackContext): string {
  return service === "ec2.amazonaws.com" && partitionOf(region) === "aws-cn" ? `${service}.cn` : service;
}
