import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { DataAwsIamRole } from "#provider-aws/data-aws-iam-role";
import { IamInstanceProfile } from "#provider-aws/iam-instance-profile";
import { IamRolePolicyAttachment } from "#provider-aws/iam-role-policy-attachment";
import type { Ec2ComputeConfig } from "../../config/compute/ec2-compute.ts";
import { iamName, keepName } from "../global-name.ts";
import { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import type { Statement } from "../statement.ts";
import { allowSystemsManager } from "./systems-manager.ts";

/**
 * The role of a fleet's instances, and so of its jobs: a role that the stack makes, or one of the user's, to which the
 * stack adds nothing. The stack's role has no rights on the group or on other instances.
 */
export class InstanceRole extends Construct {
  readonly name: string;
  readonly arn: string;
  readonly profileArn: string;
  private readonly own: ServiceRole | undefined;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly context: StackContext; readonly role: Ec2ComputeConfig["instanceRole"] },
  ) {
    super(scope, id);
    const { context, role } = props;
    if ("name" in role) {
      const given = new DataAwsIamRole(this, "given", { name: role.name });
      this.name = role.name;
      this.arn = given.arn;
    } else {
      this.own = new ServiceRole(this, "instance", {
        context,
        service: "ec2.amazonaws.com",
        description: `Instances and jobs of fleet ${context.name}`,
      });
      this.name = this.own.name;
      this.arn = this.own.arn;
      allowSystemsManager(this.own, context);
      role.extraPolicyArns.forEach((policyArn, index) => {
        new IamRolePolicyAttachment(this, `extra-${index}`, { role: this.name, policyArn });
      });
      for (const { conditions, ...statement } of role.extraStatements) {
        this.own.allow({ ...statement, ...(conditions && { condition: conditions }) });
      }
    }
    this.profileArn = new IamInstanceProfile(this, "profile", {
      name: iamName(context, "instance"),
      lifecycle: keepName(),
      role: this.name,
      path: context.iamPath,
    }).arn;
  }

  /** Resources that must exist before an instance can use its rights. */
  get ready(): ITerraformDependable[] {
    return this.own?.ready ?? [];
  }

  /** Adds rights to the stack's role. A role of the user's must have them already. */
  allow(statement: Statement): void {
    this.own?.allow(statement);
  }

  /** Calls `by` with the stack's role. A role of the user's must have the rights already. */
  grant(by: (role: ServiceRole) => void): void {
    if (this.own) by(this.own);
  }
}
