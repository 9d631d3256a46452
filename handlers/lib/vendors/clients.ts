import type { Vendor } from "../core/ports.ts";
import type { RuntimeOf, VendorId } from "../settings/vendors.ts";
import { createAzureDevOps } from "./azure-devops/client.ts";
import type { VendorDeps } from "./deps.ts";
import { createHcpTerraform } from "./hcp-terraform/client.ts";
import { createSemaphore } from "./semaphore/client.ts";
import { createSpacelift } from "./spacelift/client.ts";

type VendorFactory<Id extends VendorId> = (runtime: RuntimeOf<Id>, deps: VendorDeps) => Vendor;

const factories: { readonly [Id in VendorId]: VendorFactory<Id> } = {
  "azure-devops": createAzureDevOps,
  "hcp-terraform": createHcpTerraform,
  semaphore: createSemaphore,
  spacelift: createSpacelift,
};

/** The runtime half of the fleet's vendor. */
export function createVendor<Id extends VendorId>(
  runtime: RuntimeOf<Id> & { readonly type: Id },
  deps: VendorDeps,
): Vendor {
  return factories[runtime.type](runtime, deps);
}
