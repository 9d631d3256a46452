import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import { azureDevOps } from "./azure-devops.ts";
import { hcpTerraform } from "./hcp-terraform.ts";
import type { ContainerVendor } from "./vendor-synth.ts";

type ContainerConfig = EcsFleetConfig["vendor"];

const containerVendors: {
  readonly [Id in ContainerConfig["type"]]: (
    config: Extract<ContainerConfig, { readonly type: Id }>,
    fleet: EcsFleetConfig,
  ) => ContainerVendor;
} = {
  "azure-devops": azureDevOps,
  "hcp-terraform": hcpTerraform,
};

/** The synth half of a vendor whose agents run in containers. */
export function containerVendor(fleet: EcsFleetConfig): ContainerVendor {
  const create = containerVendors[fleet.vendor.type] as (
    config: ContainerConfig,
    fleet: EcsFleetConfig,
  ) => ContainerVendor;
  return create(fleet.vendor, fleet);
}
