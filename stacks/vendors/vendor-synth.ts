import type { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { VendorId, VendorRuntime } from "../../handlers/lib/settings/vendors.ts";
import type { Ec2ComputeConfig } from "../config/compute/ec2-compute.ts";
import type { Ec2FleetConfig } from "../config/ec2-fleet.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import type { PoolConfig } from "../config/pools.ts";
import type { Architecture } from "../config/primitives.ts";
import type { KindOf, SecretKeyOf } from "../config/vendors/index.ts";
import type { Secret } from "../constructs/secret.ts";
import type { Statement } from "../constructs/statement.ts";
import type { AgentContainer } from "../constructs/tasks/agent-containers.ts";
import type { Escaped, TerraformText } from "../constructs/terraform-text.ts";

interface Fleets {
  readonly "ecs-fleet": EcsFleetConfig;
  readonly "ec2-fleet": Ec2FleetConfig;
}

/** A vendor's contribution, by the kind of its fleets. */
export interface SynthHalves {
  readonly "ecs-fleet": ContainerVendor;
  readonly "ec2-fleet": InstanceVendor;
}

/** The config of one vendor's fleet. */
export type FleetOf<Id extends VendorId> = Escaped<
  Omit<Fleets[KindOf<Id>], "vendor"> & {
    readonly vendor: Extract<Fleets[KindOf<Id>]["vendor"], { readonly type: Id }>;
  }
>;

/** Makes one of the vendor's secrets for a fleet, once. @param description shown in AWS beside the secret */
export type MakeSecret<Id extends VendorId> = (key: SecretKeyOf<Id>, description: string) => Secret;

/**
 * The synth half of a vendor. All vendors take the same arguments. The result fits the kind of their fleets.
 *
 * @param name the name of the fleet and of its Auto Scaling group
 */
export type SynthHalf<Id extends VendorId> = (
  fleet: FleetOf<Id>,
  secret: MakeSecret<Id>,
  name: string,
) => SynthHalves[KindOf<Id>];

/** The fleet's public endpoint, for a vendor's own resources. */
export interface WebhookEndpoint {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** Resources that must exist before the vendor's verification call can succeed. */
  readonly ready: readonly ITerraformDependable[];
}

/** The arguments of `manage`. */
export interface ManageProps {
  readonly stackName: string;
  readonly webhook: WebhookEndpoint | undefined;
}

/** The webhook for a vendor's notifications. */
interface VendorWebhook {
  /** The secret that signs them. */
  readonly secret: Secret;
  /** Paths of the webhook, by the name of the output with the URL. */
  readonly paths: Readonly<Record<string, string>>;
  /** Whether the webhook answers them by calls to the vendor. @default false */
  readonly asksVendor?: boolean;
  readonly throttleRatePerSecond: number;
  readonly throttleBurst: number;
}

/** A vendor's part in the Terraform of one fleet, for any capacity. */
export interface VendorSynth {
  /** Settings for the runtime half. */
  readonly runtime: VendorRuntime;
  /** Whether agents leave by themselves or the loop retires them. */
  readonly departure: Policy["departure"];
  /** The secret with which the loop reads the vendor's API. `undefined`: the loop does not read it. */
  readonly apiSecret: Secret | undefined;
  /** How long an open run is remembered; only if demand comes from notifications only. */
  readonly ledgerTtlSeconds?: number | undefined;
  /** `undefined`: the fleet has no webhook. */
  readonly webhook?: VendorWebhook | undefined;
  /** Whether the vendor's demand reports jobs whose demands our agents do not meet. @default false */
  readonly tellsUnmatchedJobs?: boolean;
  /** Makes the config's resources on the vendor's side. Returns their outputs. */
  manage?(scope: Construct, props: ManageProps): Readonly<Record<string, string>>;
}

/** A vendor with agents in containers. */
export interface ContainerVendor extends VendorSynth {
  /** The default image of agents: a published one, or one built from a folder of `agents/`. */
  readonly defaultImage: string | { readonly build: string };
  /**
   * How an agent runs in a container.
   *
   * @param pool one of the fleet's pools, if it has several
   * @param wayOut POSIX sh to run before the agent, in its process; `undefined`: nothing
   */
  container(pool: Escaped<PoolConfig> | undefined, wayOut?: TerraformText): AgentContainer;
  /** A pool's differences from {@link runtime}; only for vendors whose fleets may have several pools. */
  poolRuntime?(pool: Escaped<PoolConfig>): Readonly<Record<string, unknown>>;
}

/** How a vendor's agent runs on an instance, from its module in `stacks/vendors`. */
export interface AgentInstance {
  /** Scripts of `agents/` that make up the boot, in order, after the library: paths such as `spacelift/boot.sh`. */
  readonly bootFiles: readonly string[];
  /**
   * Settings of the boot, by variable. Values are plain text; the writer quotes them for the shell. They may contain
   * Terraform expressions.
   */
  readonly settings: Readonly<Record<string, string>>;
  /** Secrets that the instance reads at boot. */
  readonly secrets: readonly Secret[];
  /** Further rights of jobs and the boot. */
  readonly statements: readonly Statement[];
  /** Log files that the CloudWatch agent ships, by the end of their log group's name. */
  readonly logs: Readonly<Record<string, string>>;
  /** The default image. */
  readonly defaultAmi: NonNullable<Ec2ComputeConfig["ami"]>;
}

/** A vendor with agents on instances of a group. */
export interface InstanceVendor extends VendorSynth {
  /** How an agent runs on an instance. */
  instance(fleet: InstanceFleet): AgentInstance;
}

/** The facts about a fleet for a vendor's boot settings. */
export interface InstanceFleet {
  readonly partition: string;
  readonly agents: { readonly singleUse: boolean; readonly idleTimeoutSeconds: number };
  readonly architecture: Architecture;
  /** Longest time that a retirement waits for a job. */
  readonly drainTimeoutSeconds: number;
}
