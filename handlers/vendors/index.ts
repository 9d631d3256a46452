import type { Vendor } from "../core/ports.ts";
import type { VendorId, VendorRuntime } from "./config.ts";
import { createHcpTerraform, type HcpTerraformDeps } from "./hcp-terraform/client.ts";

type RuntimeByVendor = { [Runtime in VendorRuntime as Runtime["type"]]: Runtime };

const vendors: { readonly [Id in VendorId]: (runtime: RuntimeByVendor[Id], deps: HcpTerraformDeps) => Vendor } = {
  "hcp-terraform": createHcpTerraform,
};

/** The runtime half of the vendor that a fleet's environment names. */
export function createVendor<Id extends VendorId>(
  runtime: RuntimeByVendor[Id] & { type: Id },
  deps: HcpTerraformDeps,
): Vendor {
  return vendors[runtime.type](runtime, deps);
}
