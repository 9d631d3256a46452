import * as z from "zod";
import type { VendorId } from "../../../handlers/lib/settings/vendors.ts";
import type { Explanation } from "../reading/explain.ts";
import { forVendor, type Rule } from "../rules.ts";
import type { VendorSecret } from "../secrets.ts";
import { azureDevOpsVendor } from "./azure-devops.ts";
import type { FleetKind, Reach } from "./definition.ts";
import { hcpTerraformVendor } from "./hcp-terraform.ts";
import { semaphoreVendor } from "./semaphore.ts";
import { spaceliftVendor } from "./spacelift.ts";

/** Every vendor, in the order of the config reference. A vendor of `VendorId` that is missing here does not compile. */
export const vendors = {
  "hcp-terraform": hcpTerraformVendor,
  "azure-devops": azureDevOpsVendor,
  spacelift: spaceliftVendor,
  semaphore: semaphoreVendor,
} as const satisfies { readonly [Id in VendorId]: { readonly id: Id } };

type Vendors = typeof vendors;

/** The vendors whose agents a kind of fleet runs. */
type VendorsOf<Kind extends FleetKind> = Extract<Vendors[VendorId], { readonly kind: Kind }>;

/** The kind of fleet that runs a vendor's agents. */
export type KindOf<Id extends VendorId> = Vendors[Id]["kind"];

/** The keys of a vendor's secrets in a config file. */
export type SecretKeyOf<Id extends VendorId> = keyof Vendors[Id]["secrets"] & string;

type SecretsOf<Id extends VendorId> = { readonly [Key in SecretKeyOf<Id>]: VendorSecret };

/** The secrets of one vendor, by key. */
export function secretsOfVendor<Id extends VendorId>(id: Id): SecretsOf<Id> {
  const all: { readonly [Each in VendorId]: { readonly secrets: SecretsOf<Each> } } = vendors;
  return all[id].secrets;
}

/** A key of `secrets` that stands for one secret of some vendor. */
export type SecretKey = { [Id in VendorId]: SecretKeyOf<Id> }[VendorId];

/** The vendors whose agents this kind of fleet runs, in the order of {@link vendors}. */
export function vendorsOf<Kind extends FleetKind>(kind: Kind): readonly VendorsOf<Kind>[] {
  return Object.values(vendors).filter((vendor): vendor is VendorsOf<Kind> => vendor.kind === kind);
}

/** The schema of `vendor` in the config of a fleet of these vendors. */
export function vendorSchema<Vendor extends { readonly schema: z.core.$ZodTypeDiscriminable }>(
  all: readonly Vendor[],
): z.ZodDiscriminatedUnion<[Vendor["schema"], ...Vendor["schema"][]], "type"> {
  const [first, ...others] = all.map(({ schema }) => schema);
  if (first === undefined) throw new Error("no vendor runs its agents on this kind of fleet");
  return z.discriminatedUnion("type", [first, ...others]);
}

/** The rules of these vendors, each for its own fleets alone. */
export function vendorRules<Fleet extends { readonly vendor: { readonly type: VendorId } }>(
  all: readonly { readonly id: VendorId; readonly rules: readonly Rule<never>[] }[],
): readonly Rule<Fleet>[] {
  return all.flatMap(({ id, rules }) => forVendor<Fleet>(id, rules));
}

/** The facts of a definition that can be asked without knowing which vendor it is of. */
interface VendorOfFleet<Fleet extends AnyFleet> {
  readonly id: VendorId;
  readonly asksInstances: boolean;
  readonly readsOwnTags: boolean;
  reaches(vendor: Fleet["vendor"]): Reach;
  warnings(fleet: Fleet): readonly (Explanation | false)[];
}

interface AnyFleet {
  readonly vendor: { readonly type: VendorId };
}

/** The definition of a fleet's vendor, to be asked about this fleet alone. */
export function vendorOf<Fleet extends AnyFleet>({ vendor }: Fleet): VendorOfFleet<Fleet> {
  // The registry's type says that the definition under this id takes fleets of this id.
  return vendors[vendor.type] as VendorOfFleet<never> as VendorOfFleet<Fleet>;
}

/** Whether a key of `secrets` belongs to other vendors than the one that a config names. @param config unchecked */
export function isForeignSecret(config: unknown, key: string): boolean {
  const named = z.object({ vendor: z.object({ type: z.enum(Object.keys(vendors) as VendorId[]) }) }).safeParse(config);
  if (!named.success || Object.hasOwn(vendors[named.data.vendor.type].secrets, key)) return false;
  return Object.values(vendors).some(({ secrets }) => Object.hasOwn(secrets, key));
}
