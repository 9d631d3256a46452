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

/** Every vendor, in the order of the config reference. The compiler refuses a missing vendor of `VendorId`. */
export const vendors = {
  "hcp-terraform": hcpTerraformVendor,
  "azure-devops": azureDevOpsVendor,
  spacelift: spaceliftVendor,
  semaphore: semaphoreVendor,
} as const satisfies { readonly [Id in VendorId]: { readonly id: Id } };

type Vendors = typeof vendors;

/** The vendors that a kind of fleet supports. */
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

/** A key of `secrets` that belongs to some vendor. */
export type SecretKey = { [Id in VendorId]: SecretKeyOf<Id> }[VendorId];

/** The vendors that this kind of fleet supports, in the order of {@link vendors}. */
export function vendorsOf<Kind extends FleetKind>(kind: Kind): readonly VendorsOf<Kind>[] {
  return Object.values(vendors).filter((vendor): vendor is VendorsOf<Kind> => vendor.kind === kind);
}

/** The schema of `vendor` in the config of a fleet of these vendors. */
export function vendorSchema<Vendor extends { readonly schema: z.core.$ZodTypeDiscriminable }>(
  all: readonly Vendor[],
): z.ZodDiscriminatedUnion<[Vendor["schema"], ...Vendor["schema"][]], "type"> {
  const [first, ...others] = all.map(({ schema }) => schema);
  if (first === undefined) throw new Error("this kind of fleet supports no vendor");
  return z.discriminatedUnion("type", [first, ...others]);
}

/** The rules of these vendors. Each applies to its own fleets only. */
export function vendorRules<Fleet extends { readonly vendor: { readonly type: VendorId } }>(
  all: readonly { readonly id: VendorId; readonly rules: readonly Rule<never>[] }[],
): readonly Rule<Fleet>[] {
  return all.flatMap(({ id, rules }) => forVendor<Fleet>(id, rules));
}

/** The facts of a definition that code can use without knowing its vendor. */
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

/** The definition of a fleet's vendor. Use it for this fleet only. */
export function vendorOf<Fleet extends AnyFleet>({ vendor }: Fleet): VendorOfFleet<Fleet> {
  // By the registry's type, the definition under this id takes fleets of this id.
  return vendors[vendor.type] as VendorOfFleet<never> as VendorOfFleet<Fleet>;
}

/** Whether a key of `secrets` belongs to other vendors, not to the config's own one. @param config unchecked */
export function isForeignSecret(config: unknown, key: string): boolean {
  const named = z.object({ vendor: z.object({ type: z.enum(Object.keys(vendors) as VendorId[]) }) }).safeParse(config);
  if (!named.success || Object.hasOwn(vendors[named.data.vendor.type].secrets, key)) return false;
  return Object.values(vendors).some(({ secrets }) => Object.hasOwn(secrets, key));
}
