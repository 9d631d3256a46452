import type { Construct } from "constructs";
import { TerraformBackend, type TerraformRemoteState } from "#cdktf";

/** The workspace that keeps a stack's state. */
interface CloudWorkspace {
  readonly hostname: string;
  readonly organization: string;
  readonly workspace: string;
}

/**
 * The `cloud` block of a stack. cdktf's own class writes the same block, but runs `terraform version` at synth and fails
 * where Terraform is missing.
 */
export class CloudBackend extends TerraformBackend {
  constructor(
    scope: Construct,
    private readonly block: CloudWorkspace,
  ) {
    super(scope, "backend", "cloud");
  }

  /** Stacks share values by parameters, never by state. */
  override getRemoteStateDataSource(): TerraformRemoteState {
    throw new Error("no stack reads the state of another one");
  }

  override toTerraform(): object {
    const { hostname, organization, workspace } = this.block;
    return { terraform: { cloud: { hostname, organization, workspaces: { name: workspace } } } };
  }

  override toMetadata(): object {
    // The two words that cdktf knows: HCP Terraform and Terraform Enterprise.
    return { ...super.toMetadata(), cloud: this.block.hostname.startsWith("app.terraform.io") ? "tfc" : "tfe" };
  }
}
