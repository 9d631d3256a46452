import { TerraformResource } from "cdktf";
import type { Construct } from "constructs";

/**
 * Lets resources of a stack that is deployed go on under new addresses. Otherwise Terraform would make each a second
 * time and delete the first, in any order: where both have one name, the deletion may win.
 *
 * @param from id of a resource in `scope`, if it is there → the address that it had
 */
export function movedFrom(scope: Construct, from: Readonly<Record<string, string>>): void {
  for (const [id, address] of Object.entries(from)) {
    const resource = scope.node.tryFindChild(id);
    if (resource instanceof TerraformResource) resource.moveFromId(address);
  }
}
