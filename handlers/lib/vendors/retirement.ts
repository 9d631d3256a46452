import type { VendorRetirement } from "../core/ports.ts";
import type { RuntimeOf, VendorId } from "../settings/vendors.ts";
import { createAzureDevOpsRetirement } from "./azure-devops/retirement.ts";
import type { VendorDeps } from "./deps.ts";
import { createSemaphoreRetirement } from "./semaphore/retirement.ts";
import { createSpaceliftRetirement } from "./spacelift/retirement.ts";

type RetirementFactory<Id extends VendorId> = (runtime: RuntimeOf<Id>, deps: VendorDeps) => VendorRetirement;

/** One line per vendor; `undefined`: its agents only leave by themselves. */
const factories: { readonly [Id in VendorId]: RetirementFactory<Id> | undefined } = {
  "azure-devops": createAzureDevOpsRetirement,
  "hcp-terraform": undefined,
  semaphore: createSemaphoreRetirement,
  spacelift: createSpaceliftRetirement,
};

/** The retirement half of a vendor. Throws if the vendor has none: such a fleet has no retirement workflow. */
export function createVendorRetirement<Id extends VendorId>(
  runtime: RuntimeOf<Id> & { readonly type: Id },
  deps: VendorDeps,
): VendorRetirement {
  const create = factories[runtime.type];
  if (create === undefined) throw new Error(`agents of ${runtime.type} are not retired: they leave by themselves`);
  return create(runtime, deps);
}
