import { shortName } from "./short-name.ts";
import type { StackContext } from "./stack-context.ts";

/** The longest name of a role or an instance profile ("IAM and AWS STS quotas", IAM User Guide). */
const longestIamName = 64;

/**
 * Name of a role or an instance profile, of at most 64 characters. IAM is global: the region keeps two stacks of one name
 * in two regions apart. If it is too long, a hash of all of it takes the place of its end.
 */
export function iamName({ name, region }: Pick<StackContext, "name" | "region">, id: string): string {
  return shortName(`${name}-${id}-${region}`, longestIamName);
}

/**
 * Keeps the name that a deployed resource has. A new name would replace the resource, and jobs that run with a deleted
 * role lose their credentials. Only new resources get the name that the config gives. See `docs/adr/0017-names-in-an-account.md`.
 *
 * @param attribute the argument that holds the name
 */
export function keepName(attribute = "name"): { readonly ignoreChanges: string[] } {
  return { ignoreChanges: [attribute] };
}
