import type { Construct } from "constructs";
import { dependable, type ITerraformDependable, Lazy } from "#cdktf";
import { IamPolicy } from "#provider-aws/iam-policy";
import { IamRolePolicy } from "#provider-aws/iam-role-policy";
import { IamRolePolicyAttachment } from "#provider-aws/iam-role-policy-attachment";
import { keepName } from "./global-name.ts";
import { longestText, resolvedText } from "./longest-text.ts";
import { inlinePolicies, managedPolicy } from "./policy-limits.ts";
import { shortName } from "./short-name.ts";
import type { StackContext } from "./stack-context.ts";
import { policyDocument, type Statement, statementJson } from "./statement.ts";

/** A statement of a policy that other resources may join. */
interface Joined {
  readonly statement: Statement;
  /** All of the statement but its resources. */
  readonly key: string;
  /** As Terraform reads them → as they were given. */
  readonly resources: Map<string, string>;
}

/** One policy of a role. */
interface Policy {
  readonly joined: Joined[];
  /** In characters, once Terraform has resolved it. */
  size: number;
  readonly mostCharacters: number;
  /** Must exist before the role has the rights. */
  readonly ready: ITerraformDependable;
}

/** The longest name of a managed policy ("IAM and AWS STS quotas", IAM User Guide). */
const longestName = 128;

/**
 * The rights of a role: one inline policy, and managed policies for those that IAM does not take there. Statements that
 * differ in their resources alone are one. Each right goes into the first policy with room for it. So a right may move to a
 * managed policy when the config adds another in front of it; the inline policy changes last, and the right is never missing.
 */
export class RoleRights {
  private readonly policies: Policy[] = [];
  private inline: IamRolePolicy | undefined;

  constructor(
    /** Becomes the parent of the policies. */
    private readonly scope: Construct,
    private readonly props: { readonly context: StackContext; readonly role: string; readonly id: string },
  ) {}

  /** Adds a statement. Adding it again changes nothing. */
  allow(statement: Statement): void {
    const key = resolvedText(this.scope, JSON.stringify({ ...statement, resources: [] }));
    for (const resource of statement.resources) this.place(statement, key, resource);
  }

  /** Resources that must exist before a service can use the rights that the role has by now. */
  get ready(): ITerraformDependable[] {
    return this.policies.map(({ ready }) => ready);
  }

  private place(statement: Statement, key: string, given: string): void {
    const resource = resolvedText(this.scope, given);
    const alike = this.policies.flatMap((policy) =>
      policy.joined.filter((joined) => joined.key === key).map((joined) => ({ policy, joined })),
    );
    if (alike.some(({ joined }) => joined.resources.has(resource))) return;
    const more = this.length(JSON.stringify(given)) + 1;
    const roomy = alike.find(({ policy }) => policy.size + more <= policy.mostCharacters);
    if (roomy) {
      roomy.joined.resources.set(resource, given);
      roomy.policy.size += more;
      return;
    }
    const whole = this.length(statementJson({ ...statement, resources: [given] })) + 1;
    const policy = this.policies.find(({ size, mostCharacters }) => size + whole <= mostCharacters) ?? this.addPolicy();
    policy.joined.push({ statement, key, resources: new Map([[resource, given]]) });
    policy.size += whole;
  }

  private addPolicy(): Policy {
    const number = this.policies.length + 1;
    const joined: Joined[] = [];
    const document = Lazy.stringValue({
      produce: () =>
        policyDocument(
          joined.map(({ statement, resources }) => ({ ...statement, resources: [...resources.values()] })),
        ),
    });
    const policy = {
      joined,
      size: policyDocument([]).length,
      mostCharacters: (number === 1 ? inlinePolicies : managedPolicy).usual,
      ready: number === 1 ? this.addInline(document) : this.addManaged(document, number),
    };
    this.policies.push(policy);
    return policy;
  }

  private addInline(policy: string): ITerraformDependable {
    this.inline = new IamRolePolicy(this.scope, "policy", { name: "rights", role: this.props.role, policy });
    return this.inline;
  }

  private addManaged(policy: string, number: number): ITerraformDependable {
    const { context, role, id } = this.props;
    const managed = new IamPolicy(this.scope, `policy-${number}`, {
      name: shortName(`${context.name}-${id}-rights-${number}-${context.region}`, longestName),
      description: `More rights of the role ${id} of ${context.name}`,
      path: context.iamPath,
      policy,
      lifecycle: keepName(),
    });
    const attached = new IamRolePolicyAttachment(this.scope, `policy-${number}-attached`, {
      role,
      policyArn: managed.arn,
    });
    // A right that moves out of the inline policy must be in the other one first.
    if (this.inline) this.inline.dependsOn = [...(this.inline.dependsOn ?? []), dependable(attached)];
    return attached;
  }

  /** Characters that a text has at most, once Terraform has resolved it. */
  private length(text: string): number {
    return longestText(this.scope, text, this.props.context).length;
  }
}
