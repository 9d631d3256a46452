import type { VendorId } from "../../handlers/lib/settings/vendors.ts";
import type { KindOf } from "../config/vendors/index.ts";
import { azureDevOps } from "./azure-devops.ts";
import { hcpTerraform } from "./hcp-terraform.ts";
import { semaphore } from "./semaphore.ts";
import { spacelift } from "./spacelift.ts";
import type { FleetOf, MakeSecret, SynthHalf, SynthHalves } from "./vendor-synth.ts";

const halves: { readonly [Id in VendorId]: SynthHalf<Id> } = {
  "azure-devops": azureDevOps,
  "hcp-terraform": hcpTerraform,
  semaphore,
  spacelift,
};

/**
 * A vendor's part in the Terraform of a fleet.
 *
 * @param secret makes a secret that the vendor requests
 * @param name the fleet's name
 */
export function vendorSynth<Id extends VendorId>(
  id: Id,
  fleet: FleetOf<Id>,
  secret: MakeSecret<Id>,
  name: string,
): SynthHalves[KindOf<Id>] {
  return halves[id](fleet, secret, name);
}
