import { TerraformDataSource, type TerraformResource, type TerraformStack } from "#cdktf";

/** Id of one of checkov's checks. */
type Check = `CKV_AWS_${number}` | `CKV2_AWS_${number}`;

/** A stack's JSON, as far as findings have to do with it. */
interface StackJson {
  readonly resource?: Declared;
  readonly data?: Declared;
}
type Declared = Readonly<Record<string, Readonly<Record<string, { readonly "//": object }>>>>;

/** Why a check on encryption fails in a stack without a customer managed key. */
export const withoutKey = "The config names no kmsKeyArn, so a key of AWS encrypts it.";

const accepted = new WeakMap<object, Readonly<Record<string, string>>>();

/**
 * Accepts what checkov finds at a resource, each finding with its reason. The reasons stand beside the resource in the
 * synthesized JSON, as `accepted_findings` below `//`: Terraform ignores that property (its JSON syntax, "Comment
 * properties"). `npm test` fails for a finding without a reason, and for a reason without a finding.
 *
 * @param reasons check → why its finding is accepted; `false`: this stack's resource has no such finding
 */
export function acceptFindings(
  resource: TerraformResource | TerraformDataSource,
  reasons: Readonly<Partial<Record<Check, string | false>>>,
): void {
  const given = Object.entries(reasons).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  if (given.length > 0) accepted.set(resource, Object.fromEntries(given));
}

/** Adds to a stack's JSON what was accepted in it. cdktf lets data sources have no property `//` of ours. */
export function writeAcceptedFindings(stack: TerraformStack, { resource, data }: StackJson): void {
  for (const construct of stack.node.findAll()) {
    const reasons = accepted.get(construct);
    if (!reasons) continue;
    const { terraformResourceType, friendlyUniqueId } = construct as TerraformResource | TerraformDataSource;
    const declared = construct instanceof TerraformDataSource ? data : resource;
    const json = declared?.[terraformResourceType]?.[friendlyUniqueId];
    if (json) Object.assign(json["//"], { accepted_findings: reasons });
  }
}
