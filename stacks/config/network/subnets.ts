import type { Rule } from "../rules.ts";
import { addressCount, contains, overlap, part } from "./cidr.ts";
import { type VpcConfig, zoneCount } from "./vpc.ts";

type Kind = "public" | "private";
type Layout = Pick<
  VpcConfig,
  "cidr" | "availabilityZones" | "publicSubnetCidrs" | "privateSubnetCidrs" | "egress" | "endpoints"
>;

/** AWS reserves five addresses of each subnet. */
const keptAddresses = 5;
const smallestSubnet = 16;

/** The first of the sixteen parts for each kind of subnet. Another zone moves no existing subnet. */
const firstPart = { public: 0, private: 8 };

/** Which of the sixteen parts a zone's subnet takes. */
export function partOf(kind: Kind, zone: number): number {
  return firstPart[kind] + zone;
}

/** The kinds of subnets that a VPC has, by its egress. */
const kindsOf: Readonly<Record<VpcConfig["egress"], readonly Kind[]>> = {
  "public-ip": ["public"],
  "single-nat": ["public", "private"],
  "nat-per-az": ["public", "private"],
  "endpoints-only": ["private"],
};

/** The ranges of a VPC's subnets in the order of its zones, given or derived. A kind may have no subnets. */
export function subnetCidrs(vpc: Layout): Readonly<Record<Kind, readonly string[]>> {
  const of = (kind: Kind) => {
    if (!kindsOf[vpc.egress].includes(kind)) return [];
    return (
      listOf(vpc, kind) ?? Array.from({ length: zoneCount(vpc) }, (_, zone) => part(vpc.cidr, 4, partOf(kind, zone)))
    );
  };
  return { public: of("public"), private: of("private") };
}

/** How many addresses the VPC has for agents. */
export function agentAddresses(vpc: Layout): number {
  const cidrs = subnetCidrs(vpc);
  const subnets = cidrs.private.length > 0 ? cidrs.private : cidrs.public;
  return subnets.reduce((sum, cidr) => sum + addressCount(cidr) - keptAddresses, 0);
}

const keys = { public: "publicSubnetCidrs", private: "privateSubnetCidrs" } as const;
const other = { public: "private", private: "public" } as const;

const listOf = (vpc: Layout, kind: Kind) => vpc[keys[kind]];

const listRules = (kind: Kind): Rule<Layout>[] => {
  const key = keys[kind];
  const rule = (reads: readonly string[], check: Rule<Layout>["check"]): Rule<Layout> => ({
    path: [key],
    reads: [[key], ...reads.map((read) => [read])],
    check,
  });
  return [
    rule(["egress"], (vpc) =>
      listOf(vpc, kind) && !kindsOf[vpc.egress].includes(kind)
        ? `must be left out: with egress ${vpc.egress} there are no ${kind} subnets`
        : undefined,
    ),
    rule(["egress", keys[other[kind]]], (vpc) =>
      !listOf(vpc, kind) && listOf(vpc, other[kind]) && kindsOf[vpc.egress].includes(kind)
        ? `must be given too, as ${keys[other[kind]]} is`
        : undefined,
    ),
    rule(["availabilityZones"], (vpc) => {
      const given = listOf(vpc, kind)?.length ?? zoneCount(vpc);
      return given === zoneCount(vpc)
        ? undefined
        : `must have one range for each availability zone, of which there are ${zoneCount(vpc)}`;
    }),
    rule(["cidr"], (vpc) => {
      const stray = listOf(vpc, kind)?.find((cidr) => !contains(vpc.cidr, cidr));
      return stray && `must lie inside the VPC's ${vpc.cidr}, which ${stray} does not`;
    }),
    rule(kind === "private" ? [keys.public] : [], (vpc) => {
      const mine = listOf(vpc, kind) ?? [];
      const before = kind === "private" ? (listOf(vpc, "public") ?? []) : [];
      for (const [index, cidr] of mine.entries()) {
        const hit = [...before, ...mine.slice(0, index)].find((earlier) => overlap(earlier, cidr));
        if (hit !== undefined) return `must not overlap, as ${hit} and ${cidr} do`;
      }
      return undefined;
    }),
  ];
};

/** Rules between the fields of a VPC. */
export const vpcRules: readonly Rule<Layout>[] = [
  {
    path: ["cidr"],
    reads: [["cidr"], ["publicSubnetCidrs"], ["privateSubnetCidrs"]],
    check: ({ cidr, publicSubnetCidrs, privateSubnetCidrs }) =>
      publicSubnetCidrs || privateSubnetCidrs || addressCount(cidr) >= 16 * smallestSubnet
        ? undefined
        : "must be /24 or larger: subnets are its sixteenths, and AWS has none smaller than /28. " +
          "Or give the subnets of a smaller one",
  },
  ...listRules("public"),
  ...listRules("private"),
  {
    path: ["endpoints"],
    reads: [["endpoints"], ["egress"]],
    check: ({ endpoints, egress }) =>
      egress === "endpoints-only" && endpoints?.length === 0
        ? "must not be empty with egress endpoints-only, or agents could reach nothing"
        : undefined,
  },
];

/** Zones given by name must be in the stack's region. `path` leads to the VPC's fields. */
export function zonesOfRegion<T extends { region: string }>(
  path: readonly string[],
  vpcOf: (config: T) => Pick<VpcConfig, "availabilityZones"> | undefined,
): Rule<T> {
  const zonesPath = [...path, "availabilityZones"];
  return {
    path: zonesPath,
    reads: [["region"], zonesPath],
    check: (config) => {
      const zones = vpcOf(config)?.availabilityZones;
      const strays = Array.isArray(zones) ? zones.filter((zone) => !zone.startsWith(config.region)) : [];
      return strays.length > 0 ? `must be zones of ${config.region}, which ${strays.join(", ")} is not` : undefined;
    },
  };
}
