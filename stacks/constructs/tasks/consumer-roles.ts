import { Construct } from "constructs";
import { IamRole } from "#provider-aws/iam-role";
import { IamRolePolicy } from "#provider-aws/iam-role-policy";
import { IamRolePolicyAttachment } from "#provider-aws/iam-role-policy-attachment";
import type { ConsumerRoleConfig } from "../../config/consumer-roles.ts";
import { iamName, keepName } from "../global-name.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/**
 * Roles that jobs on this fleet's agents may assume. The roles trust only this fleet's task role, and the task role may
 * assume exactly these roles.
 */
export class ConsumerRoles extends Construct {
  /** ARN by configured name. */
  readonly arns: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly taskRole: ServiceRole;
      readonly roles: readonly ConsumerRoleConfig[];
    },
  ) {
    super(scope, id);
    const { context, taskRole } = props;
    const made = props.roles.map((config) => {
      const role = new IamRole(this, config.name, {
        name: iamName(context, config.name),
        lifecycle: keepName(),
        description: `For jobs on the agents of fleet ${context.name}`,
        path: context.iamPath,
        permissionsBoundary: context.permissionsBoundaryArn,
        maxSessionDuration: config.maxSessionSeconds,
        assumeRolePolicy: JSON.stringify({ Version: "2012-10-17", Statement: trust(config, taskRole.arn) }),
      });
      config.managedPolicyArns.forEach((policyArn, index) => {
        new IamRolePolicyAttachment(this, `${config.name}-managed-${index}`, { role: role.name, policyArn });
      });
      if (config.policy !== undefined) {
        new IamRolePolicy(this, `${config.name}-policy`, {
          name: "rights",
          role: role.name,
          policy: JSON.stringify(config.policy),
        });
      }
      const actions = config.sessionTags ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"];
      taskRole.allow({ actions, resources: [role.arn] });
      return [config.name, role.arn] as const;
    });
    this.arns = Object.fromEntries(made);
  }
}

/**
 * Whom a role trusts. sts:TagSession is a statement of its own, as in "Pass session tags in AWS STS" of IAM's user guide:
 * it knows no sts:ExternalId (service authorization reference of AWS STS).
 */
function trust({ externalId, sessionTags }: ConsumerRoleConfig, taskRole: string): object[] {
  const Principal = { AWS: taskRole };
  const condition = externalId !== undefined && { Condition: { StringEquals: { "sts:ExternalId": externalId } } };
  return [
    { Effect: "Allow", Action: "sts:AssumeRole", Principal, ...condition },
    ...(sessionTags ? [{ Effect: "Allow", Action: "sts:TagSession", Principal }] : []),
  ];
}
