import type * as z from "zod";
import type { VendorId } from "../../../handlers/lib/settings/vendors.ts";
import type { agents, instanceAgents } from "../agents.ts";
import type { CommonConfig } from "../common.ts";
import type { ComputeConfig } from "../compute/compute.ts";
import type { Ec2ComputeConfig } from "../compute/ec2-compute.ts";
import type { Endpoint } from "../network/vpc.ts";
import type { PoolConfig } from "../pools.ts";
import type { Explanation } from "../reading/explain.ts";
import type { Rule } from "../rules.ts";
import type { SecretSource, VendorSecret } from "../secrets.ts";

/** The parts of a fleet's config that vendors' rules and warnings may read, besides its vendor and secrets. */
interface FleetsByKind {
  readonly "ecs-fleet": {
    readonly region: string;
    readonly agents: z.output<typeof agents>;
    readonly compute: ComputeConfig;
    readonly providers: CommonConfig["providers"];
    readonly pools?: readonly PoolConfig[] | undefined;
  };
  readonly "ec2-fleet": {
    readonly region: string;
    readonly agents: z.output<typeof instanceAgents>;
    readonly compute: Ec2ComputeConfig;
  };
}

/** The kinds of stacks that run a vendor's agents. */
export type FleetKind = keyof FleetsByKind;

/** The fleet of one vendor, as the vendor's rules and warnings see it. */
type FleetOf<Kind extends FleetKind, Vendor, Key extends string> = FleetsByKind[Kind] & {
  readonly vendor: Vendor;
  readonly secrets: { readonly [K in Key]?: SecretSource | undefined };
};

/** Addresses that a fleet must reach from its network, besides the AWS services that every fleet of its kind calls. */
export interface Reach {
  /** Public URL that agents register at. `undefined`: they register at a private address. */
  readonly address: string | undefined;
  /** AWS services that agents call. */
  readonly agents: readonly Endpoint[];
  /**
   * AWS services that the functions call only for this vendor, if `loop.inNetwork` puts them into the network. The loop
   * of every fleet calls DynamoDB.
   */
  readonly functions: readonly Endpoint[];
}

type VendorSchema<Id extends VendorId> = z.ZodObject<{ readonly type: z.ZodLiteral<Id> }, z.core.$strict>;

/** An answer to `fleet init`, and the key of `vendor` that it becomes. */
interface StarterAnswer<Key extends string> {
  readonly key: Key;
  /** The question, without its mark. */
  readonly asks: string;
  /** Makes the key's value. @default the answer itself */
  readonly value?: (answer: string) => string;
}

/** What `fleet init` asks for the smallest config of a vendor. Without `organization`, `url` must be answered. */
export interface Starter<Key extends string> {
  readonly organization?: StarterAnswer<Key>;
  readonly pool?: StarterAnswer<Key>;
  readonly apiKeyId?: StarterAnswer<Key>;
  /** The address of the vendor or of one's own installation; `instead`: it stands in place of `organization`. */
  readonly url?: StarterAnswer<Key> & { readonly instead?: boolean };
}

/** All facts about one vendor that configs need. Kinds, errors, warnings, CLI and config reference derive from it. */
export interface VendorDefinition<
  Id extends VendorId,
  Kind extends FleetKind,
  Schema extends VendorSchema<Id>,
  Key extends string,
> {
  readonly id: Id;
  /** The kind of stack that runs its agents. */
  readonly kind: Kind;
  /** The schema of `vendor` in a config file. */
  readonly schema: Schema;
  /** See {@link Starter}. */
  readonly starter: Starter<keyof z.output<Schema> & string>;
  /** Its secrets, by their keys in `secrets` of a config file. */
  readonly secrets: { readonly [K in Key]: VendorSecret };
  /** Rules between `vendor` and the rest of a fleet's config. */
  readonly rules: readonly Rule<FleetOf<Kind, z.output<Schema>, NoInfer<Key>>>[];
  /** Whether retirements must ask the instance whether its agent works, because the vendor's API does not say. */
  readonly asksInstances: Kind extends "ec2-fleet" ? boolean : false;
  /** Whether agents read tags that their instance gets while it runs. */
  readonly readsOwnTags: Kind extends "ec2-fleet" ? boolean : false;
  /** Whether one fleet may serve several agent pools of this vendor. */
  readonly severalPools: Kind extends "ecs-fleet" ? boolean : false;
  /** See {@link Reach}. */
  reaches(vendor: z.output<Schema>): Reach;
  /** Warnings about settings that are allowed but most likely a mistake. `false` entries are skipped. */
  warnings(fleet: FleetOf<Kind, z.output<Schema>, NoInfer<Key>>): readonly (Explanation | false)[];
}

/** Checks a vendor's definition against its own schema, kind and secrets. Returns it as it is. */
export function defineVendor<
  const Id extends VendorId,
  const Kind extends FleetKind,
  Schema extends VendorSchema<Id>,
  const Key extends string,
>(definition: VendorDefinition<Id, Kind, Schema, Key>): VendorDefinition<Id, Kind, Schema, Key> {
  return definition;
}
