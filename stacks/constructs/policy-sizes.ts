import { TerraformResource, type TerraformStack } from "#cdktf";
import { ConfigError } from "../config/errors.ts";
import { addressOf, argumentsOf, longestText } from "./longest-text.ts";
import {
  attachedPolicies,
  inlinePolicies,
  type Limit,
  managedPolicy,
  resourcePolicies,
  trustPolicy,
} from "./policy-limits.ts";

/** The size of one thing in a stack, as AWS counts it. */
interface Size {
  /** The resource's Terraform address. */
  readonly address: string;
  /** Such as "inline policies of the role ci-task". */
  readonly whose: string;
  readonly size: number;
  readonly unit: "characters" | "bytes" | "managed policies";
  readonly limit: Limit;
}

/**
 * Compares every policy of a stack with AWS's limits: the inline, managed and trust policies of roles, and the policies of
 * queues, topics, buckets, keys, repositories and secrets. Expressions count with their longest value (`longestText`).
 *
 * @returns warnings about sizes for which AWS must raise a quota first
 * @throws ConfigError if AWS refuses a size in every account
 */
export function checkPolicySizes(stack: TerraformStack, place: { readonly region: string }): string[] {
  const sizes = sizesOf(stack, place);
  const over = sizes.filter(({ size, limit: { usual, most = usual } }) => size > most);
  if (over.length > 0) {
    throw new ConfigError(
      over.map(
        ({ address, whose, size, unit, limit: { usual, most = usual } }) =>
          `${address}: must be smaller: the ${whose} would have about ${size} ${unit}, and AWS takes ${most}`,
      ),
    );
  }
  return sizes.flatMap(({ address, whose, size, unit, limit }) =>
    size > limit.usual
      ? [
          `${address}: the ${whose} has about ${size} ${unit}, and AWS takes ${limit.usual} unless you have it raise ` +
            `the quota ${limit.quota}`,
        ]
      : [],
  );
}

function sizesOf(stack: TerraformStack, place: { readonly region: string }): Size[] {
  const made = stack.node
    .findAll()
    .filter((each): each is TerraformResource => TerraformResource.isTerraformResource(each))
    .filter(({ terraformResourceType: type }) => type.startsWith("aws_iam_") || type in resourcePolicies)
    .map((each) => ({ type: each.terraformResourceType, address: addressOf(each), its: argumentsOf(each) }));
  const ofType = (type: string) => made.filter((each) => each.type === type);
  const policySize = (policy: unknown) => compact(longestText(stack, String(policy), place));
  const roles = ofType("aws_iam_role").flatMap(({ address, its }): Size[] => {
    const of = (type: string) => ofType(type).filter((each) => each.its.role === `\${${address}.name}`);
    const inline = of("aws_iam_role_policy").reduce((sum, { its: { policy } }) => sum + policySize(policy).length, 0);
    const role = `role ${its.name}`;
    const trust = policySize(its.assume_role_policy).length;
    const attached = of("aws_iam_role_policy_attachment").length;
    return [
      { address, whose: `inline policies of the ${role}`, size: inline, unit: "characters", limit: inlinePolicies },
      { address, whose: `trust policy of the ${role}`, size: trust, unit: "characters", limit: trustPolicy },
      { address, whose: role, size: attached, unit: "managed policies", limit: attachedPolicies },
    ];
  });
  const managed = ofType("aws_iam_policy").map(
    ({ address, its }): Size => ({
      address,
      whose: `managed policy ${its.name}`,
      size: policySize(its.policy).length,
      unit: "characters",
      limit: managedPolicy,
    }),
  );
  const others = made.flatMap(({ type, address, its }): Size[] => {
    const rule = resourcePolicies[type];
    const policy = rule && its[rule.argument];
    if (!rule || policy === undefined) return [];
    const size = Buffer.byteLength(policySize(policy));
    return [{ address, whose: "policy", size, unit: "bytes", limit: { usual: rule.bytes } }];
  });
  return [...roles, ...managed, ...others];
}

/** JSON without white space between its parts, which IAM does not count and Terraform does not send. */
function compact(json: string): string {
  return JSON.stringify(JSON.parse(json));
}
