import type { Construct } from "constructs";
import { LocalBackend, S3Backend, TerraformOutput, TerraformStack } from "#cdktf";
import { DataAwsCallerIdentity } from "#provider-aws/data-aws-caller-identity";
import { DataAwsPartition } from "#provider-aws/data-aws-partition";
import { AwsProvider } from "#provider-aws/provider";
import type { CommonConfig } from "./config/common.ts";
import { lambdaRuntimeOf } from "./config/lambda-runtime.ts";
import { localStatePath } from "./config/local-state.ts";
import { fleetTag } from "./config/names.ts";
import { writeAcceptedFindings } from "./constructs/accepted-findings.ts";
import { CloudBackend } from "./constructs/cloud-backend.ts";
import { requiredTerraform } from "./constructs/fleet-app.ts";
import type { StackContext } from "./constructs/stack-context.ts";
import { writeVersions } from "./constructs/versions-file.ts";

/** The base of every kind of stack: providers, backend, tags, and the context of the constructs. */
export abstract class BaseStack<Config extends CommonConfig> extends TerraformStack {
  protected readonly context: StackContext;
  /** Tags of the stack, for resources that do not get the provider's default tags. */
  protected readonly tags: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    name: string,
    protected readonly config: Config,
  ) {
    super(scope, name);
    this.tags = { [fleetTag]: name, ManagedBy: "agent-fleets", ...config.tags };
    new AwsProvider(this, "aws", { region: config.region, defaultTags: [{ tags: { ...this.tags } }] });
    this.context = {
      name,
      region: config.region,
      partition: new DataAwsPartition(this, "partition").partition,
      accountId: new DataAwsCallerIdentity(this, "account").accountId,
      kmsKeyArn: config.kmsKeyArn,
      logRetentionDays: config.logs.retentionDays,
      permissionsBoundaryArn: config.iam.permissionsBoundaryArn,
      iamPath: config.iam.path,
      lambdaRuntime: lambdaRuntimeOf(config),
    };
    writeVersions(this, requiredTerraform);
    for (const [provider, version] of Object.entries(config.providers)) {
      this.addOverride(`terraform.required_providers.${provider}.version`, version);
    }
    this.backend();
  }

  /**
   * Always false: where it is true, cdktf runs `terraform version` at synth and fails where Terraform is missing. Terraform
   * itself checks `required_version`, which is above the versions that lack `moved` blocks.
   */
  override hasResourceMove(): boolean {
    return false;
  }

  /**
   * The stack as Terraform reads it, in a form that checkov reads too: blocks without a label, such as `moved`, become
   * lists in a list. checkov skips those and fails at a text in them (`terraform_json/parser.py` of checkov 3.3). To
   * Terraform both are the same block.
   */
  override toTerraform(): object {
    const stack: Readonly<Record<string, object>> = super.toTerraform();
    writeAcceptedFindings(this, stack);
    const readable = (block: object) => (Array.isArray(block) ? block.map((one) => [one]) : block);
    return Object.fromEntries(Object.entries(stack).map(([name, block]) => [name, readable(block)]));
  }

  /** Adds an output with this name, unless the value is `undefined`. */
  protected output(name: string, value: unknown): void {
    if (value === undefined) return;
    new TerraformOutput(this, name, { value, staticId: true });
  }

  private backend(): void {
    const { backend } = this.config;
    const name = this.context.name;
    switch (backend.type) {
      case "local":
        new LocalBackend(this, { path: localStatePath(name, backend.path) });
        break;
      case "s3": {
        const { type: _, key, region = this.config.region, ...rest } = backend;
        new S3Backend(this, { ...rest, region, key: key ?? `agent-fleets/${name}.tfstate`, encrypt: true });
        break;
      }
      case "cloud":
        new CloudBackend(this, backend);
    }
  }
}
