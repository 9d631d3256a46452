import type { InstancesConfig } from "./instances.ts";

/**
 * Families whose instances run on Xen, but for i3.metal. Those that AWS still offers are as its DescribeInstanceTypes
 * answers (`Hypervisor: xen`, as moto 5 has recorded it). f1, g2, g3, g3s, p2 and p3, which AWS has retired, are assumed.
 */
const xenFamilies = "c1 c3 c4 d2 f1 g2 g3 g3s h1 i2 i3 m1 m2 m3 m4 p2 p3 r3 r4 t1 t2 x1 x1e".split(" ");

/**
 * What is wrong with instance types for agents that read a tag which their running instance gets. On Xen a tag may reach
 * the metadata only after a stop and a start. EC2's documentation said so once, and now says nothing of Xen; that it still
 * holds is assumed.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
 */
export function explainBlindTypes(types: readonly string[]): string | undefined {
  const blind = types.filter(isXen);
  return blind.length > 0
    ? `must be types of the Nitro System (such as t3, m5, c5, r5, i3en or newer), and ${blind.join(", ")} ` +
        `${blind.length > 1 ? "are" : "is"} not: on a running Xen instance an agent may never see its role, which is a tag`
    : undefined;
}

/**
 * Whether EC2 can show a tag of this name in an instance's metadata. It launches no instance with another one while tags in
 * metadata are on.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
 */
export function isMetadataTag(name: string): boolean {
  return /^(?!(?:\.{1,2}|_index)$)[A-Za-z0-9+=._:@-]+$/.test(name);
}

/** The same instances, but never of a type that {@link explainBlindTypes} refuses. */
export function withoutBlindTypes(instances: InstancesConfig): InstancesConfig {
  if ("types" in instances) return instances;
  return { ...instances, excludedTypes: [...instances.excludedTypes, ...xenFamilies.map((family) => `${family}.*`)] };
}

function isXen(type: string): boolean {
  const [family = "", size] = type.split(".");
  return size !== "metal" && xenFamilies.includes(family);
}
