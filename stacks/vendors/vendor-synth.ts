import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { VendorId, VendorRuntime } from "../../handlers/lib/settings/vendors.ts";
import type { Ec2ComputeConfig } from "../config/compute/ec2-compute.ts";
import type { Ec2FleetConfig } from "../config/ec2-fleet.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import type { PoolConfig } from "../config/pools.ts";
import type { Architecture } from "../config/primitives.ts";
import type { KindOf, SecretKeyOf } from "../config/vendors/index.ts";
import type { Secret } from "../constructs/secret.ts";
import type { Statement } from "../constructs/service-role.ts";
import type { AgentContainer } from "../constructs/tasks/agent-containers.ts";
import type { Escaped } from "../constructs/terraform-text.ts";

interface Fleets {
  readonly "ecs-fleet": EcsFleetConfig;
  readonly "ec2-fleet": Ec2FleetConfig;
}

/** What the kind of fleet that runs the agents needs of a vendor. */
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

/** Makes one of the vendor's secrets for a fleet, once. @param description what AWS shows beside the secret */
export type MakeSecret<Id extends VendorId> = (key: SecretKeyOf<Id>, description: string) => Secret;

/**
 * The synth half of a vendor: the same arguments for all, and an answer that the kind of its fleets can use.
 *
 * @param name the fleet's name, which its Auto Scaling group has, too
 */
export type SynthHalf<Id extends VendorId> = (
  fleet: FleetOf<Id>,
  secret: MakeSecret<Id>,
  name: string,
) => SynthHalves[KindOf<Id>];

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
  readonly webhook: WebhookEndpoint | undefined;
}

/** How a vendor's notifications come in. */
interface VendorWebhook {
  /** The secret that they are signed with. */
  readonly secret: Secret;
  /** Where they come in, by the output that tells the URL. */
  readonly paths: Readonly<Record<string, string>>;
  /** Whether they are answered by calls to the vendor. @default false */
  readonly asksVendor?: boolean;
  readonly throttleRatePerSecond: number;
  readonly throttleBurst: number;
}

/** What a vendor contributes to the Terraform of one fleet, whatever its agents run on. */
export interface VendorSynth {
  /** What the runtime half gets to know. */
  readonly runtime: VendorRuntime;
  /** Whether agents leave by themselves or are retired by the loop. */
  readonly departure: Policy["departure"];
  /** The secret that the loop reads the vendor's API with. `undefined`: nothing reads it. */
  readonly apiSecret: Secret | undefined;
  /** How long an open run is remembered; only where demand comes from notifications alone. */
  readonly ledgerTtlSeconds?: number | undefined;
  /** `undefined`: the fleet has no webhook. */
  readonly webhook?: VendorWebhook | undefined;
  /** Whether jobs may demand what agents do not offer, and the vendor's demand tells of them. @default false */
  readonly tellsUnmatchedJobs?: boolean;
  /** Makes the resources on the vendor's side that the config asks for. Returns the outputs they add. */
  manage?(scope: Construct, props: ManageProps): Readonly<Record<string, string>>;
}

/** A vendor whose agents run in containers. */
export interface ContainerVendor extends VendorSynth {
  /** What agents run where the config names no image: a published one, or one built from a folder of `agents/`. */
  readonly defaultImage: string | { readonly build: string };
  /** How an agent runs in a container. @param pool one of the fleet's pools, where it has several */
  container(pool: Escaped<PoolConfig> | undefined): AgentContainer;
  /** What of {@link runtime} one of several pools has of its own; only of vendors whose fleets may have several. */
  poolRuntime?(pool: Escaped<PoolConfig>): Readonly<Record<string, unknown>>;
}

/** How a vendor's agent runs on an instance: what its module in `stacks/vendors` tells. */
export interface AgentInstance {
  /** Scripts of `agents/` that make up the boot, in order, after the library: paths such as `spacelift/boot.sh`. */
  readonly bootFiles: readonly string[];
  /** Settings of the boot, by variable; values are text, quoted for the shell by whoever writes them. May hold Terraform expressions. */
  readonly settings: Readonly<Record<string, string>>;
  /** Secrets that the instance reads at boot. */
  readonly secrets: readonly Secret[];
  /** What jobs and the boot may do besides. */
  readonly statements: readonly Statement[];
  /** Log files that the CloudWatch agent ships, by the end of their log group's name. */
  readonly logs: Readonly<Record<string, string>>;
  /** The image where the config names none. */
  readonly defaultAmi: NonNullable<Ec2ComputeConfig["ami"]>;
}

/** A vendor whose agents run on instances of a group. */
export interface InstanceVendor extends VendorSynth {
  /** How an agent runs on an instance. */
  instance(fleet: InstanceFleet): AgentInstance;
}

/** What a vendor looks at to say how its agents boot. */
export interface InstanceFleet {
  readonly partition: string;
  readonly agents: { readonly singleUse: boolean; readonly idleTimeoutSeconds: number };
  readonly architecture: Architecture;
  /** How long a retirement waits for a job, at most. */
  readonly drainTimeoutSeconds: number;
}
