import type { Construct } from "constructs";
import { TerraformResource } from "#cdktf";

/**
 * Keeps resources of a deployed stack under new addresses. Otherwise Terraform would make each resource again and
 * delete the old one, in any order. If both have one name, the deletion may come last.
 *
 * @param from id of a resource in `scope`, if it exists → its former address
 */
export function movedFrom(scope: Construct, from: Readonly<Record<string, string>>): void {
  for (const [id, address] of Object.entries(from)) {
    const resource = scope.node.tryFindChild(id);
    if (resource instanceof TerraformResource) resource.moveFromId(address);
  }
}
