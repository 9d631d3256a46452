import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  type Route,
  type RouteTable,
  type Subnet,
} from "@aws-sdk/client-ec2";
import { networkOf } from "../../../stacks/config/ecs-fleet.ts";
import { machinesOf } from "../../../stacks/config/pools.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import { vendorOf } from "../../../stacks/config/vendors/index.ts";
import type { Finding } from "../desk/doctor/finding.ts";
import { counted } from "../desk/words.ts";
import { type CheckClients, looking, type Subject } from "./subject.ts";

/** The network that exists, if the config names one. */
function givenNetwork(config: StackConfig) {
  if (!("network" in config)) return undefined;
  const network = config.kind === "ecs-fleet" ? networkOf(config) : config.network;
  return network && "subnetIds" in network ? network : undefined;
}

/** Whether the subnets of the config exist, are of its VPC, have room, and let agents out. */
export async function networkFindings(
  { stack: { config } }: Subject,
  { ec2 }: Pick<CheckClients, "ec2">,
): Promise<readonly Finding[]> {
  const network = givenNetwork(config);
  if (network === undefined) return [];
  const { vpcId, subnetIds, assignPublicIp } = network;
  return looking("the subnets", ["ec2:DescribeSubnets", "ec2:DescribeRouteTables"], async () => {
    // By a filter, because a list with one unknown id is an error that hides the others.
    const { Subnets = [] } = await ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: "subnet-id", Values: [...subnetIds] }] }),
    );
    const tables = await tablesOf(vpcId, { ec2 });
    const missing = subnetIds.filter((id) => !Subnets.some(({ SubnetId }) => SubnetId === id));
    const inside = Subnets.filter(({ VpcId }) => VpcId === vpcId);
    return [
      ...missing.map(
        (id): Finding => ({
          id: "subnet-missing",
          severity: "error",
          what: `There is no subnet ${id}.`,
          evidence: [`EC2 describes no ${id} in ${config.region}`],
          todo: "Correct network.subnetIds. Is it another region or account?",
        }),
      ),
      ...Subnets.filter(({ VpcId }) => VpcId !== vpcId).map(
        ({ SubnetId, VpcId }): Finding => ({
          id: "subnet-of-another-vpc",
          severity: "error",
          what: `The subnet ${SubnetId} is not in ${vpcId}.`,
          evidence: [`EC2: ${SubnetId} is in ${VpcId}`],
          todo: "Correct network.vpcId or network.subnetIds.",
        }),
      ),
      ...inside.flatMap((subnet) => wayOut(subnet, tables, assignPublicIp, config)),
      ...room(inside, config),
    ];
  });
}

async function tablesOf(vpcId: string, { ec2 }: Pick<CheckClients, "ec2">): Promise<readonly RouteTable[]> {
  const found: RouteTable[] = [];
  let NextToken: string | undefined;
  do {
    const Filters = [{ Name: "vpc-id", Values: [vpcId] }];
    const page = await ec2.send(new DescribeRouteTablesCommand({ Filters, NextToken }));
    found.push(...(page.RouteTables ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** A subnet without a table of its own has the main one of its VPC. */
function tableOf({ SubnetId }: Subnet, tables: readonly RouteTable[]): RouteTable | undefined {
  const own = tables.find(({ Associations = [] }) => Associations.some((each) => each.SubnetId === SubnetId));
  return own ?? tables.find(({ Associations = [] }) => Associations.some(({ Main }) => Main));
}

function wayOut(
  subnet: Subnet,
  tables: readonly RouteTable[],
  assignPublicIp: boolean,
  config: StackConfig,
): readonly Finding[] {
  const table = tableOf(subnet, tables);
  const route = table?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === "0.0.0.0/0");
  const at = `${subnet.SubnetId} (${subnet.AvailabilityZone})`;
  const seen = `EC2: the route table ${table?.RouteTableId ?? "of the subnet is missing"}`;
  if (route === undefined || route.State === "blackhole") {
    const needed = needsInternet(config);
    return [
      {
        id: "subnet-without-way-out",
        severity: needed ? "error" : "warning",
        what: needed
          ? `Agents in ${at} cannot reach the vendor: the subnet has no way out.`
          : `The subnet ${at} has no way to the internet.`,
        evidence: [
          route
            ? `${seen} sends 0.0.0.0/0 into a black hole (${targetOf(route)})`
            : `${seen} has no route for 0.0.0.0/0`,
        ],
        todo: needed
          ? "Add a route to a NAT gateway, or name other subnets. docs/network.md compares the ways out."
          : "If images, AWS and the vendor are reached by endpoints, a proxy or a private address, all is well.",
      },
    ];
  }
  const isInternet = route.GatewayId?.startsWith("igw-") ?? false;
  if (isInternet && !assignPublicIp) {
    return [
      {
        id: "public-ip-missing",
        severity: "error",
        what: `Agents in ${at} cannot reach the vendor: the subnet is public, and they get no public IP.`,
        evidence: [`${seen} sends 0.0.0.0/0 to ${route.GatewayId}`, "The config has network.assignPublicIp: false"],
        todo: "Set network.assignPublicIp: true, or name private subnets.",
      },
    ];
  }
  if (isInternet || !assignPublicIp) return [];
  return [
    {
      id: "public-ip-useless",
      severity: "warning",
      what: `Agents in ${at} get a public IP that they cannot use: the subnet is private.`,
      evidence: [`${seen} sends 0.0.0.0/0 to ${targetOf(route)}`, "The config has network.assignPublicIp: true"],
      todo: "Set network.assignPublicIp: false: AWS charges for the addresses.",
    },
  ];
}

function targetOf(route: Route): string {
  const { NatGatewayId, TransitGatewayId, NetworkInterfaceId, VpcPeeringConnectionId, GatewayId } = route;
  return (
    NatGatewayId ?? TransitGatewayId ?? NetworkInterfaceId ?? VpcPeeringConnectionId ?? GatewayId ?? "another target"
  );
}

/** Behind a proxy, or with a vendor at a private address, agents may need no way to the internet. */
function needsInternet(config: StackConfig): boolean {
  if (config.kind !== "ecs-fleet" && config.kind !== "ec2-fleet") return false;
  return config.vendor.proxy === undefined && vendorOf(config).reaches(config.vendor as never).address !== undefined;
}

/** Each agent takes an address, apart from those on a cluster's hosts in bridge mode. */
function room(subnets: readonly Subnet[], config: StackConfig): readonly Finding[] {
  if (subnets.length === 0) return [];
  const free = subnets.reduce((sum, { AvailableIpAddressCount: count = 0 }) => sum + count, 0);
  const wanted =
    config.kind === "ecs-fleet"
      ? machinesOf(config).reduce((sum, { max }) => sum + max, 0)
      : config.kind === "ec2-fleet"
        ? config.agents.max
        : 0;
  if (free >= wanted) return [];
  return [
    {
      id: "subnets-too-small",
      severity: free === 0 ? "error" : "warning",
      what: `The subnets have ${counted(free, "free address", "free addresses")}, and up to ${wanted} agents take one each.`,
      evidence: subnets.map(({ SubnetId, AvailableIpAddressCount: count }) => `EC2: ${SubnetId} has ${count} free`),
      todo: "Name more or larger subnets, or lower agents.max.",
    },
  ];
}
