import type { Ec2FleetConfig } from "../config/ec2-fleet.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import { azureDevOps } from "./azure-devops.ts";
import { hcpTerraform } from "./hcp-terraform.ts";
import { semaphore } from "./semaphore.ts";
import { spacelift } from "./spacelift.ts";
import type { ContainerVendor, InstanceVendor } from "./vendor-synth.ts";

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

type InstanceConfig = Ec2FleetConfig["vendor"];

const instanceVendors: {
  readonly [Id in InstanceConfig["type"]]: (config: Extract<InstanceConfig, { readonly type: Id }>) => InstanceVendor;
} = {
  semaphore,
  spacelift,
};

/** The synth half of a vendor whose agents run on instances. */
export function instanceVendor({ vendor }: Ec2FleetConfig): InstanceVendor {
  const create = instanceVendors[vendor.type] as (config: InstanceConfig) => InstanceVendor;
  return create(vendor);
}
