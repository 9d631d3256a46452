import type { Construct } from "constructs";
import { TerraformElement } from "#cdktf";

/**
 * Lets Terraform forget a resource of a deployed stack without destroying it. Has no effect where the state does not
 * hold it. Terraform knows such blocks since 1.7.
 *
 * @see https://developer.hashicorp.com/terraform/language/block/removed
 */
export class Forgotten extends TerraformElement {
  /** @param id the id that the resource had in `scope`; its address follows from it @param type such as `tfe_team` */
  constructor(
    scope: Construct,
    id: string,
    private readonly type: string,
  ) {
    super(scope, id);
  }

  override toTerraform(): object {
    return { removed: [{ from: `${this.type}.${this.friendlyUniqueId}`, lifecycle: [{ destroy: false }] }] };
  }
}
