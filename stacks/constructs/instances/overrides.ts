import type { InstancesConfig } from "../../config/compute/instances.ts";

/** The instances that a group may launch, as its mixed instances policy wants them: types, or what they must have. */
export function instanceOverrides(instances: InstancesConfig, architecture: "x86_64" | "arm64") {
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
