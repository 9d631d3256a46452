import { Construct } from "constructs";
import type { ITerraformDependable, TerraformResource } from "#cdktf";
import { AgentPool } from "#provider-tfe/agent-pool";
import { DataTfeAgentPool } from "#provider-tfe/data-tfe-agent-pool";
import { DataTfeProject } from "#provider-tfe/data-tfe-project";
import { DataTfeWorkspace } from "#provider-tfe/data-tfe-workspace";
import { NotificationConfiguration } from "#provider-tfe/notification-configuration";
import { OrganizationRunTask } from "#provider-tfe/organization-run-task";
import { ProjectSettings } from "#provider-tfe/project-settings";
import { TfeProvider } from "#provider-tfe/provider";
import { WorkspaceRunTask } from "#provider-tfe/workspace-run-task";
import { runTriggers, webhookPaths } from "../../handlers/lib/settings/vendors/hcp-terraform.ts";
import type { HcpTerraformConfig } from "../config/vendors/hcp-terraform.ts";
import { keyChange } from "../config/vendors/tfe-provider.ts";
import { Forgotten } from "../constructs/forgotten.ts";
import type { Secret } from "../constructs/secret.ts";
import type { ManageProps } from "./vendor-synth.ts";

type Props = ManageProps & {
  /** The key that HCP Terraform signs with; `undefined` without a webhook. */
  readonly notificationToken: Secret | undefined;
  /** The config's constraint of the tfe provider. */
  readonly tfe: string | undefined;
};

/** The webhook for HCP Terraform's resources. */
interface SignedWebhook {
  readonly url: string;
  readonly hmacKey: string;
  readonly ready: ITerraformDependable[];
  /** Writes the key's version to an argument, where the provider knows such arguments. */
  readonly version: (resource: TerraformResource, argument: string) => void;
}

/** The TFE resources for `vendor.manage`. Without it, none. */
export function manageHcpTerraform(
  scope: Construct,
  config: HcpTerraformConfig,
  props: Props,
): Readonly<Record<string, string>> {
  if (!config.manage) return {};
  return new ManagedHcpTerraform(scope, "hcp-terraform", config, config.manage, props).outputs;
}

class ManagedHcpTerraform extends Construct {
  readonly outputs: Readonly<Record<string, string>>;
  private readonly workspaces = new Map<string, string>();

  constructor(
    scope: Construct,
    id: string,
    private readonly config: HcpTerraformConfig,
    private readonly manage: NonNullable<HcpTerraformConfig["manage"]>,
    private readonly props: Props,
  ) {
    super(scope, id);
    // The API token comes from the environment (TFE_TOKEN) or `terraform login`, never from here.
    new TfeProvider(this, "provider", {
      hostname: new URL(config.address).host,
      organization: config.organization,
    });
    const poolId = this.agentPool();
    for (const name of manage.forgetWorkspaces) {
      new Forgotten(this, `workspace-${name}`, "tfe_workspace_settings");
    }
    for (const name of manage.projects) {
      const project = new DataTfeProject(this, `project-${name}`, { name, organization: config.organization });
      new ProjectSettings(this, `project-settings-${name}`, {
        projectId: project.id,
        defaultExecutionMode: "agent",
        defaultAgentPoolId: poolId,
      });
    }
    if (manage.notifications || manage.runTask) {
      const webhook = this.signedWebhook();
      this.notifications(webhook);
      this.runTask(webhook);
    }
    this.outputs = { agent_pool_id: poolId };
  }

  private agentPool(): string {
    const { agentPool: name, organization } = this.config;
    return this.manage.agentPool
      ? new AgentPool(this, "pool", { name, organization, organizationScoped: true }).id
      : new DataTfeAgentPool(this, "pool", { name, organization }).id;
  }

  private workspaceId(name: string): string {
    const known = this.workspaces.get(name);
    if (known !== undefined) return known;
    const id = new DataTfeWorkspace(this, `data-${name}`, { name, organization: this.config.organization }).id;
    this.workspaces.set(name, id);
    return id;
  }

  private notifications(webhook: SignedWebhook): void {
    const { url, hmacKey, ready, version } = webhook;
    for (const name of this.manage.notifications?.workspaces ?? []) {
      const notification = new NotificationConfiguration(this, `notification-${name}`, {
        name: `agent-fleets ${this.props.stackName}`,
        workspaceId: this.workspaceId(name),
        destinationType: "generic",
        enabled: true,
        triggers: [...runTriggers[this.config.demand]],
        url: url + webhookPaths.notifications,
        tokenWo: hmacKey,
        dependsOn: ready,
      });
      version(notification, "token_wo_version");
    }
  }

  private runTask(webhook: SignedWebhook): void {
    const { runTask } = this.manage;
    if (!runTask) return;
    const { url, hmacKey, ready, version } = webhook;
    const task = new OrganizationRunTask(this, "run-task", {
      name: runTask.name,
      organization: this.config.organization,
      description: `Wakes the agents of fleet ${this.props.stackName}`,
      url: url + webhookPaths.runTask,
      hmacKeyWo: hmacKey,
      enabled: true,
      dependsOn: ready,
    });
    version(task, "hmac_key_wo_version");
    for (const name of runTask.workspaces) {
      new WorkspaceRunTask(this, `run-task-${name}`, {
        workspaceId: this.workspaceId(name),
        taskId: task.id,
        enforcementLevel: "advisory",
        stages: [...runTask.stages],
      });
    }
  }

  /**
   * The vendor calls the webhook during the apply to verify it, so the endpoint and its secret must exist first. A new
   * key replaces the vendor's resources, and the verification fails unless the webhook has the same key. So the plan fails
   * first.
   */
  private signedWebhook(): SignedWebhook {
    const { webhook, notificationToken: secret, tfe } = this.props;
    if (!webhook || secret?.given === undefined) {
      throw new Error("managed notifications need the webhook and a notification token from a variable");
    }
    const { value, version } = secret.given;
    return {
      url: webhook.url,
      hmacKey: value,
      ready: [...webhook.ready, ...secret.ready, secret.given.proveUnchanged()],
      version: (resource, argument) => {
        if (keyChange(tfe) === "by-version") resource.addOverride(argument, version);
      },
    };
  }
}
