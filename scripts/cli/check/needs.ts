import type { InstanceTypeInfo } from "@aws-sdk/client-ec2";
import type { InstancesConfig } from "../../../stacks/config/compute/instances.ts";
import { agentsOf, computeOf } from "../../../stacks/config/pools.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";

/** vCPUs that a stack may run at once under one quota of AWS. */
export interface VcpuNeed {
  readonly service: "fargate" | "ec2";
  readonly code: string;
  /** The quota in words. */
  readonly name: string;
  readonly amount: number;
  /** vCPUs of one agent or host. */
  readonly one: number;
  /** What wants them: keys of the config. */
  readonly keys: string;
}

/**
 * Quotas for vCPUs of EC2 by the family of a type, On-Demand and Spot. The codes are those of Service Quotas, as many
 * public tools use them (Standard, G, P, Inf; Spot: all); those of F, X, DL and Trn on demand are assumed. A wrong one is
 * a quota that AWS does not know, which becomes a finding.
 */
const families: readonly { readonly name: string; readonly of: RegExp; readonly codes: readonly [string, string] }[] = [
  { name: "Standard", of: /^(?!mac)(?:[acdmrtz]|h\d|i\d|im|is)[\w-]*\./, codes: ["L-1216C47A", "L-34B43A08"] },
  { name: "G and VT", of: /^(?:g|gr|vt)\d/, codes: ["L-DB2E81BA", "L-3819A6DF"] },
  { name: "P", of: /^p\d/, codes: ["L-417A185B", "L-7212CCBC"] },
  { name: "Inf", of: /^inf\d/, codes: ["L-1945791B", "L-B5D1601B"] },
  { name: "X", of: /^x\d/, codes: ["L-7295265B", "L-E3A00192"] },
  { name: "F", of: /^f\d/, codes: ["L-74FC7D96", "L-88CF9481"] },
  { name: "DL", of: /^dl\d/, codes: ["L-6E869C2A", "L-85EED4F7"] },
  { name: "Trn", of: /^trn\d/, codes: ["L-2C3B7624", "L-6B0D517C"] },
];

/** The family that counts for a type's quota. `undefined`: no quota is known for it, as for `u-` and `hpc`. */
export function familyOf(type: string) {
  return [...families.slice(1), ...families.slice(0, 1)].find(({ of }) => of.test(type));
}

/** Machines on EC2 that a stack may have: agents of a fleet on instances, or hosts of a cluster. */
export function machinesOf(config: StackConfig) {
  if (config.kind === "ec2-fleet") {
    const { instances, architecture, onDemandBase, spotPercent, spotFallback } = config.compute;
    const keys = { max: "agents.max", types: "compute.instances.types" };
    return { instances, architecture, onDemandBase, spotPercent, spotFallback, max: config.agents.max, keys };
  }
  if (config.kind !== "ecs-cluster") return undefined;
  const { instances, architecture, onDemandBase, spotPercent, max } = config.hosts;
  const keys = { max: "hosts.max", types: "hosts.instances.types" };
  return { instances, architecture, onDemandBase, spotPercent, spotFallback: undefined, max, keys };
}

/** vCPUs of Fargate by quota: AWS counts Spot apart. */
export function fargateNeeds(config: StackConfig): readonly VcpuNeed[] {
  if (config.kind !== "ecs-fleet" || config.compute.capacityProvider) return [];
  const pools = (config.pools ?? [undefined]).map((pool) => ({
    max: (pool ? agentsOf(config.agents, pool) : config.agents).max,
    ...computeOf(config.compute, pool),
  }));
  return [
    { spot: false, code: "L-3032A538", name: "Fargate On-Demand vCPU" },
    { spot: true, code: "L-36FBB829", name: "Fargate Spot vCPU" },
  ].flatMap(({ spot, code, name }): VcpuNeed[] => {
    const mine = pools.filter((pool) => pool.spot === spot && pool.max > 0);
    if (mine.length === 0) return [];
    const amount = mine.reduce((sum, { max, cpu }) => sum + (max * cpu) / 1024, 0);
    const one = Math.max(...mine.map(({ cpu }) => cpu / 1024));
    return [{ service: "fargate", code, name, amount, one, keys: "agents.max × compute.cpu" }];
  });
}

/** vCPUs of EC2 by quota. @param infos the types of the config, as AWS describes them */
export function instanceNeeds(config: StackConfig, infos: readonly InstanceTypeInfo[]): readonly VcpuNeed[] {
  const wanted = machinesOf(config);
  if (wanted === undefined || wanted.max === 0) return [];
  const { max, onDemandBase, spotPercent, spotFallback, keys } = wanted;
  const base = Math.min(max, onDemandBase);
  const spot = Math.floor(((max - base) * spotPercent) / 100);
  const counts = [spotFallback ? max : max - spot, spot] as const;
  const sizes = sizesOf(wanted.instances, infos);
  return sizes.flatMap(({ family, vcpus }) =>
    counts.flatMap((count, index): VcpuNeed[] => {
      if (count === 0) return [];
      const code = family.codes[index as 0 | 1];
      const name = `${family.name} ${index === 0 ? "On-Demand" : "Spot"} vCPU of EC2`;
      return [{ service: "ec2", code, name, amount: count * vcpus, one: vcpus, keys: `${keys.max} × vCPUs of a type` }];
    }),
  );
}

/** The largest machine of each family. AWS chooses among Standard families by attributes unless they are burstable. */
function sizesOf(wanted: InstancesConfig, infos: readonly InstanceTypeInfo[]) {
  const [standard] = families;
  if (!("types" in wanted)) return standard ? [{ family: standard, vcpus: wanted.vcpus.min }] : [];
  const largest = new Map<(typeof families)[number], number>();
  for (const { InstanceType: type = "", VCpuInfo: cpus } of infos) {
    const family = familyOf(type);
    if (family) largest.set(family, Math.max(largest.get(family) ?? 0, cpus?.DefaultVCpus ?? 0));
  }
  return [...largest].map(([family, vcpus]) => ({ family, vcpus }));
}
