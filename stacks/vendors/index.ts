import type { VendorId } from "../../handlers/vendors/config.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import { hcpTerraform } from "./hcp-terraform.ts";
import type { VendorSynth } from "./vendor-synth.ts";

type ConfigByVendor = { [Config in EcsFleetConfig["vendor"] as Config["type"]]: Config };

const vendors: { readonly [Id in VendorId]: (config: ConfigByVendor[Id]) => VendorSynth } = {
  "hcp-terraform": hcpTerraform,
};

/** The synth half of the vendor that a config names. */
export function vendorSynth<Id extends VendorId>(config: ConfigByVendor[Id] & { type: Id }): VendorSynth {
  return vendors[config.type](config);
}
