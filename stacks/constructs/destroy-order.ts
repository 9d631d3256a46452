import type { IConstruct } from "constructs";
import { dependable, TerraformResource } from "#cdktf";

/** All resources that exist in a scope by now, except those in the excluded scopes. */
export function resourcesIn(scope: IConstruct, except: readonly IConstruct[] = []): TerraformResource[] {
  const excluded = new Set(except.flatMap((each) => each.node.findAll()));
  return scope.node
    .findAll()
    .filter((each): each is TerraformResource => TerraformResource.isTerraformResource(each) && !excluded.has(each));
}

/**
 * Makes Terraform destroy the first resource before the others: it goes first, and if AWS refuses that, Terraform leaves
 * the others as they are. None of them may need the first one.
 */
export function destroyBefore(first: TerraformResource, others: readonly TerraformResource[]): void {
  const addresses = others.filter((other) => other !== first).map(dependable);
  first.dependsOn = [...new Set([...(first.dependsOn ?? []), ...addresses])];
}
