import { Construct } from "constructs";
import { TerraformElement, TerraformResource } from "#cdktf";
import type { SecretsmanagerSecretVersion } from "#provider-aws/secretsmanager-secret-version";

/**
 * Fails the plan if a variable's value is not the value in Secrets Manager, unless this plan writes it there. Nothing
 * is stored: Terraform reads the secret as an ephemeral resource, whose result enters neither state nor plan.
 *
 * While the secret's version is about to be replaced, its ARN is unknown, so Terraform reads the secret only after it
 * has written the new value. Otherwise it reads the secret while planning. The deploying identity needs
 * `secretsmanager:GetSecretValue` for it. A destroy turns the failure into a warning.
 *
 * Terraform 1.11 takes an ephemeral value in a condition: tried. OpenTofu drops the mark from a condition's result, and so
 * takes it too: read in its source (`internal/tofu/eval_conditions.go`), not tried.
 *
 * @see https://developer.hashicorp.com/terraform/language/resources/ephemeral
 */
export class UnchangedValue extends Construct {
  /** Depend on it to be created only with the value that functions read. */
  readonly proof: TerraformResource;

  /** @param props.value the expression of the variable's clean value */
  constructor(
    scope: Construct,
    id: string,
    props: { readonly version: SecretsmanagerSecretVersion; readonly value: string; readonly error: string },
  ) {
    super(scope, id);
    const stored = new StoredValue(this, "stored", props.version.arn);
    // cdktf's own class for it runs `terraform version` at synth and fails where Terraform is missing.
    this.proof = new TerraformResource(this, "proof", {
      terraformResourceType: "terraform_data",
      lifecycle: {
        precondition: [
          { condition: `\${${stored.address}.secret_string == ${props.value}}`, errorMessage: props.error },
        ],
      },
    });
  }
}

/** A secret's value as an ephemeral resource, for which the provider's bindings have no class. */
class StoredValue extends TerraformElement {
  constructor(
    scope: Construct,
    id: string,
    private readonly secretId: string,
  ) {
    super(scope, id);
  }

  get address(): string {
    return `ephemeral.aws_secretsmanager_secret_version.${this.friendlyUniqueId}`;
  }

  override toTerraform(): object {
    const block = { [this.friendlyUniqueId]: { secret_id: this.secretId } };
    return { ephemeral: { aws_secretsmanager_secret_version: block } };
  }
}
