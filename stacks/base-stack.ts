import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { DataAwsPartition } from "@cdktf/provider-aws/lib/data-aws-partition";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { CloudBackend, LocalBackend, NamedCloudWorkspace, S3Backend, TerraformOutput, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { CommonConfig } from "./config/common.ts";
import type { StackContext } from "./constructs/stack-context.ts";

/** Write-only arguments and ephemeral variables need it. */
const requiredTerraform = ">= 1.11.0";

/** What the stacks of every kind have in common: providers, backend, tags, and the context of their constructs. */
export abstract class BaseStack<Config extends CommonConfig> extends TerraformStack {
  protected readonly context: StackContext;
  /** Tags of everything in the stack, for what does not take the provider's default tags. */
  protected readonly tags: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    name: string,
    protected readonly config: Config,
  ) {
    super(scope, name);
    this.tags = { Fleet: name, ManagedBy: "agent-fleets", ...config.tags };
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
    };
    this.addOverride("terraform.required_version", requiredTerraform);
    for (const [provider, version] of Object.entries(config.providers)) {
      this.addOverride(`terraform.required_providers.${provider}.version`, version);
    }
    this.backend();
  }

  /** Adds an output of that name, unless there is nothing to tell. */
  protected output(name: string, value: unknown): void {
    if (value === undefined) return;
    new TerraformOutput(this, name, { value, staticId: true });
  }

  private backend(): void {
    const { backend } = this.config;
    const name = this.context.name;
    switch (backend.type) {
      case "local":
        // Relative, or the path of the machine that synthesized would be in the JSON.
        new LocalBackend(this, { path: backend.path ?? `terraform.${name}.tfstate` });
        break;
      case "s3": {
        const { type: _, key, ...rest } = backend;
        new S3Backend(this, { ...rest, key: key ?? `agent-fleets/${name}.tfstate`, encrypt: true });
        break;
      }
      case "cloud":
        new CloudBackend(this, {
          hostname: backend.hostname,
          organization: backend.organization,
          workspaces: new NamedCloudWorkspace(backend.workspace),
        });
    }
  }
}
