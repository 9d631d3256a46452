import type { AutoscalingGroupInstanceRefreshPreferences } from "#provider-aws/autoscaling-group";
import type { InstancesConfig } from "../../config/compute/instances.ts";
import type { Architecture } from "../../config/primitives.ts";

/** A group's choice of instances: types or attributes, and the share of Spot. */
export function mixedInstances(
  template: { readonly id: string /** As a Terraform expression. */; readonly version: string },
  wanted: {
    readonly instances: InstancesConfig;
    readonly architecture: Architecture;
    readonly onDemandBase: number;
    readonly spotPercent: number;
    /** @default `prioritized` with a list of types, else `lowest-price` */
    readonly onDemandAllocation?: string | undefined;
    /** @default price-capacity-optimized */
    readonly spotAllocation?: string;
    /** In US dollars an hour. @default the On-Demand price */
    readonly spotMaxPrice?: string | undefined;
  },
) {
  const { instances, architecture, spotAllocation = "price-capacity-optimized" } = wanted;
  const inOrder = "types" in instances ? "prioritized" : "lowest-price";
  return {
    instancesDistribution: {
      onDemandBaseCapacity: wanted.onDemandBase,
      onDemandPercentageAboveBaseCapacity: 100 - wanted.spotPercent,
      onDemandAllocationStrategy: wanted.onDemandAllocation ?? inOrder,
      spotAllocationStrategy: spotAllocation,
      spotMaxPrice: wanted.spotMaxPrice,
    },
    launchTemplate: {
      launchTemplateSpecification: { launchTemplateId: template.id, version: template.version },
      override: overrides(instances, architecture),
    },
  };
}

/** How a group replaces its instances. @param more further preferences of one kind of group */
export function rollingRefresh(
  refresh: { readonly minHealthyPercent: number; readonly maxHealthyPercent: number },
  warmupSeconds: number,
  more: AutoscalingGroupInstanceRefreshPreferences,
) {
  return {
    strategy: "Rolling",
    preferences: {
      minHealthyPercentage: refresh.minHealthyPercent,
      maxHealthyPercentage: refresh.maxHealthyPercent,
      instanceWarmup: String(warmupSeconds),
      ...more,
    },
  };
}

/** Tags of a group and its instances. */
export function propagatedTags(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true }));
}

function overrides(instances: InstancesConfig, architecture: Architecture) {
  if ("types" in instances) return instances.types.map((instanceType) => ({ instanceType }));
  const { vcpus, memoryMiB, burstable, excludedTypes } = instances;
  return [
    {
      instanceRequirements: {
        vcpuCount: vcpus,
        memoryMib: memoryMiB,
        cpuManufacturers: architecture === "arm64" ? ["amazon-web-services"] : ["amd", "intel"],
        instanceGenerations: ["current"],
        burstablePerformance: burstable ? "included" : "excluded",
        bareMetal: "excluded",
        excludedInstanceTypes: excludedTypes.length > 0 ? [...excludedTypes] : undefined,
      },
    },
  ];
}
