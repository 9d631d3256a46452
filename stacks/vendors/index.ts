import type { Ec2FleetConfig } from "../config/ec2-fleet.ts";
import type { EcsFleetConfig } from "../config/ecs-fleet.ts";
import { azureDevOps } from "./azure-devops.ts";
import { hcpTerraform } from "./hcp-terraform.ts";
import { semaphore } from "./semaphore.ts";
import { spacelift } from "./spacelift.ts";
import type { ContainerVendor, InstanceVendor } from "./vendor-synth.ts";

type ContainerConfig = EcsFleetConfig["vendor"];
type ContainerConfigOf<Id> = Extract<ContainerConfig, { readonly type: Id }>;

const containerVendors: {
  readonly [Id in ContainerConfig["type"]]: (config: ContainerConfigOf<Id>, fleet: EcsFleetConfig) => ContainerVendor;
} = {
  "azure-devops": azureDevOps,
  "hcp-terraform": hcpTerraform,
};

/** The synth half of a vendor whose agents run in containers. */
export function containerVendor<Id extends ContainerConfig["type"]>(
  fleet: EcsFleetConfig & { readonly vendor: ContainerConfigOf<Id> & { readonly type: Id } },
): ContainerVendor {
  return containerVendors[fleet.vendor.type](fleet.vendor, fleet);
}

type InstanceConfig = Ec2FleetConfig["vendor"];
type InstanceConfigOf<Id> = Extract<InstanceConfig, { readonly type: Id }>;

const instanceVendors: {
  readonly [Id in InstanceConfig["type"]]: (config: InstanceConfigOf<Id>) => InstanceVendor;
} = {
  semaphore,
  spacelift,
};

/** The synth half of a vendor whose agents run on instances. */
export function instanceVendor<Id extends InstanceConfig["type"]>({
  vendor,
}: {
  readonly vendor: InstanceConfigOf<Id> & { readonly type: Id };
}): InstanceVendor {
  return instanceVendors[vendor.type](vendor);
}
