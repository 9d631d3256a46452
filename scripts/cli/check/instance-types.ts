import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeSubnetsCommand,
  type InstanceTypeInfo,
} from "@aws-sdk/client-ec2";
import { networkOf } from "../../../stacks/config/ecs-fleet.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import type { Finding } from "../desk/doctor/finding.ts";
import { machinesOf } from "./needs.ts";
import { type CheckClients, looking, type Subject } from "./subject.ts";

/** The types of the config that the region knows, by a filter: an unknown one is no error then. */
export async function describeTypes(
  config: StackConfig,
  { ec2 }: Pick<CheckClients, "ec2">,
): Promise<readonly InstanceTypeInfo[]> {
  const types = typesOf(config);
  if (types.length === 0) return [];
  const found: InstanceTypeInfo[] = [];
  let NextToken: string | undefined;
  do {
    const Filters = [{ Name: "instance-type", Values: [...types] }];
    const page = await ec2.send(new DescribeInstanceTypesCommand({ Filters, NextToken }));
    found.push(...(page.InstanceTypes ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** The types that a config lists. */
function typesOf(config: StackConfig): readonly string[] {
  const instances = machinesOf(config)?.instances;
  return instances && "types" in instances ? instances.types : [];
}

/** Whether the types exist, fit the architecture, and are offered in the zones of the stack. */
export async function typeFindings(
  { stack: { config } }: Subject,
  clients: Pick<CheckClients, "ec2">,
): Promise<readonly Finding[]> {
  const types = typesOf(config);
  const wanted = machinesOf(config);
  if (types.length === 0 || wanted === undefined) return [];
  const { keys, architecture } = wanted;
  const rights = ["ec2:DescribeInstanceTypes", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeAvailabilityZones"];
  return looking("the instance types", rights, async () => {
    const infos = await describeTypes(config, clients);
    const unknown = types.filter((type) => !infos.some(({ InstanceType }) => InstanceType === type));
    const wrong = infos.filter(
      ({ ProcessorInfo }) => !ProcessorInfo?.SupportedArchitectures?.some((each) => each === architecture),
    );
    const offers = await offersOf(types, clients);
    const zones = await zonesOf(config, clients);
    const empty = zones.filter((zone) => !offers.some(([, at]) => at === zone));
    const isNone = unknown.length === types.length;
    const found: Finding[] = [];
    if (unknown.length > 0) {
      const what = isNone
        ? `${config.region} has none of the instance types: no instance can start.`
        : `${config.region} does not have ${unknown.join(", ")}.`;
      const evidence = [`EC2 describes no ${unknown.join(", ")} in ${config.region}`];
      const todo = `Correct ${keys.types}, or choose types that the region has.`;
      found.push({ id: "type-missing", severity: isNone ? "error" : "warning", what, evidence, todo });
    }
    for (const { InstanceType, ProcessorInfo } of wrong) {
      const what = `${InstanceType} cannot start an image for ${architecture}.`;
      const evidence = [`EC2: ${InstanceType} is for ${ProcessorInfo?.SupportedArchitectures?.join(", ")}`];
      const todo = `Correct ${keys.types}, or the architecture.`;
      found.push({ id: "type-architecture", severity: "error", what, evidence, todo });
    }
    if (empty.length > 0 && !isNone) {
      const isAll = empty.length === zones.length;
      const what = isAll
        ? "No zone of the stack has any of the instance types: no instance can start."
        : `In ${empty.join(", ")} no instance can start: the zone has none of the types.`;
      const places = [...new Set(offers.map(([, zone]) => zone))].sort();
      const evidence = [`EC2 offers ${types.join(", ")} in ${places.join(", ") || "no zone"}`];
      const todo = `Add a type that each zone has to ${keys.types}, or choose other zones or subnets.`;
      found.push({ id: "zone-without-types", severity: isAll ? "error" : "warning", what, evidence, todo });
    }
    return found;
  });
}

async function offersOf(types: readonly string[], { ec2 }: Pick<CheckClients, "ec2">) {
  const found: (readonly [type: string, zone: string])[] = [];
  let NextToken: string | undefined;
  do {
    const page = await ec2.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: "availability-zone",
        Filters: [{ Name: "instance-type", Values: [...types] }],
        NextToken,
      }),
    );
    for (const { InstanceType = "", Location = "" } of page.InstanceTypeOfferings ?? [])
      found.push([InstanceType, Location]);
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** The zones that a stack's machines start in. A stack takes the first zones of the region by name. */
async function zonesOf(config: StackConfig, { ec2 }: Pick<CheckClients, "ec2">): Promise<readonly string[]> {
  if (!("network" in config) || config.network === undefined) return [];
  const network = config.kind === "ecs-fleet" ? networkOf(config) : config.network;
  if ("subnetIds" in network) {
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...network.subnetIds] }));
    return [...new Set(Subnets.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []))];
  }
  if (!("create" in network)) return [];
  const { availabilityZones: zones } = network.create;
  if (typeof zones !== "number") return zones;
  const Filters = [
    { Name: "opt-in-status", Values: ["opt-in-not-required"] },
    { Name: "state", Values: ["available"] },
  ];
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ Filters }));
  return AvailabilityZones.flatMap(({ ZoneName }) => ZoneName ?? [])
    .sort()
    .slice(0, zones);
}
