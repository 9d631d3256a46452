import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { Policy } from "../../handlers/core/model.ts";
import type { VendorRuntime } from "../../handlers/vendors/config.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import type { SecretKey } from "../config/names.ts";
import type { AgentContainer } from "../constructs/ecs-capacity.ts";
import type { Secret } from "../constructs/secret.ts";

/** The secrets of a fleet, by key; only those that its vendor asked for. */
export type FleetSecrets = Readonly<Partial<Record<SecretKey, Secret>>>;

/** The fleet's public door, for a vendor's own resources. */
export interface WebhookEndpoint {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** What must exist before the vendor's verification call can succeed. */
  readonly ready: readonly ITerraformDependable[];
}

/** What `manage` works with. */
export interface ManageProps {
  readonly stackName: string;
  readonly secrets: FleetSecrets;
  readonly webhook: WebhookEndpoint | undefined;
}

/** What a vendor contributes to the Terraform of one fleet. */
export interface VendorSynth {
  /** What the runtime half gets to know. */
  readonly runtime: VendorRuntime;
  /** Whether agents leave by themselves or are retired by the loop. */
  readonly departure: Policy["departure"];
  /** The secrets this fleet needs, with what each is for. */
  readonly secrets: Readonly<Partial<Record<SecretKey, string>>>;
  /** The secret that the loop reads the vendor's API with. */
  readonly apiSecret: SecretKey;
  /** The secret that webhooks are signed with. */
  readonly webhookSecret: SecretKey;
  /** How long an open run is remembered; only where demand comes from notifications alone. */
  readonly ledgerTtlSeconds: number | undefined;
  /** `undefined`: the fleet has no webhook. */
  readonly webhook: { readonly throttleRatePerSecond: number; readonly throttleBurst: number } | undefined;
  /** How an agent runs in a container. */
  container(agents: EcsFleetConfig["agents"], secrets: FleetSecrets): AgentContainer;
  /** Makes the resources on the vendor's side that the config asks for. Returns the outputs they add. */
  manage(scope: Construct, props: ManageProps): Readonly<Record<string, string>>;
}
