import { Construct } from "constructs";
import { Fn } from "#cdktf";
import { DataAwsAvailabilityZones } from "#provider-aws/data-aws-availability-zones";
import { DefaultSecurityGroup } from "#provider-aws/default-security-group";
import { EgressOnlyInternetGateway } from "#provider-aws/egress-only-internet-gateway";
import { Eip } from "#provider-aws/eip";
import { InternetGateway } from "#provider-aws/internet-gateway";
import { NatGateway } from "#provider-aws/nat-gateway";
import { Route } from "#provider-aws/route";
import { RouteTable } from "#provider-aws/route-table";
import { RouteTableAssociation } from "#provider-aws/route-table-association";
import { Subnet } from "#provider-aws/subnet";
import { Vpc as VpcResource } from "#provider-aws/vpc";
import { partOf, subnetCidrs } from "../../config/network/subnets.ts";
import { endpointsOf, type VpcConfig } from "../../config/network/vpc.ts";
import { acceptFindings } from "../accepted-findings.ts";
import type { StackContext } from "../stack-context.ts";
import { createFlowLog } from "./flow-log.ts";
import { VpcEndpoints } from "./vpc-endpoints.ts";

const everywhere = "0.0.0.0/0";
const everywhereIpv6 = "::/0";

/** A VPC with a subnet of each kind per zone, the configured way out, and no way in. */
export class Vpc extends Construct {
  readonly id: string;
  /** In the order of the zones. Empty with egress `endpoints-only`. */
  readonly publicSubnetIds: readonly string[];
  /** In the order of the zones. Empty with egress `public-ip`. */
  readonly privateSubnetIds: readonly string[];
  /** The subnets for agents, tasks and hosts. */
  readonly agentSubnetIds: readonly string[];
  /** Whether agents in these subnets need a public IP. */
  readonly assignPublicIp: boolean;
  /** The public addresses of the private subnets' traffic. */
  readonly natPublicIps: readonly string[];
  private readonly vpc: VpcResource;
  private readonly zones: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: { readonly config: VpcConfig; readonly context: StackContext },
  ) {
    super(scope, id);
    const { config, context } = props;
    this.vpc = new VpcResource(this, "vpc", {
      cidrBlock: config.cidr,
      assignGeneratedIpv6CidrBlock: config.ipv6 || undefined,
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: { Name: context.name },
    });
    acceptFindings(this.vpc, {
      CKV2_AWS_11: !config.flowLogs && "Flow logs cost by the traffic. The key flowLogs of the network turns them on.",
    });
    this.id = this.vpc.id;
    // Without rules Terraform empties this group. By default AWS lets its members reach each other.
    new DefaultSecurityGroup(this, "default-security-group", {
      vpcId: this.id,
      tags: { Name: `${context.name}-default-unused` },
    });
    this.zones = this.zoneNames();
    this.assignPublicIp = config.egress === "public-ip";

    const publicSubnets = this.subnets("public");
    const privateSubnets = this.subnets("private");
    const publicRoutes = publicSubnets.length > 0 ? [this.routeTable("public", publicSubnets)] : [];
    const privateRoutes = privateSubnets.map((subnet, zone) => this.routeTable(`private-${zone}`, [subnet]));
    const internetRoutes = publicRoutes.map((routes) => this.internet(routes));
    const nats = this.natGateways(publicSubnets, internetRoutes);
    this.wayOut(privateRoutes, nats);

    this.publicSubnetIds = publicSubnets.map(({ id }) => id);
    this.privateSubnetIds = privateSubnets.map(({ id }) => id);
    this.agentSubnetIds = this.assignPublicIp ? this.publicSubnetIds : this.privateSubnetIds;
    this.natPublicIps = nats.map(({ publicIp }) => publicIp);
    new VpcEndpoints(this, "endpoints", {
      context,
      vpcId: this.id,
      cidr: config.cidr,
      services: endpointsOf(config),
      subnetIds: this.agentSubnetIds,
      routeTableIds: [...publicRoutes, ...privateRoutes].map(({ id }) => id),
    });
    if (config.flowLogs) createFlowLog(this, { context, vpcId: this.id, config: config.flowLogs });
  }

  private zoneNames(): readonly string[] {
    const { availabilityZones: zones } = this.props.config;
    if (typeof zones !== "number") return zones;
    const available = new DataAwsAvailabilityZones(this, "zones", {
      state: "available",
      filter: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
    });
    acceptFindings(available, {
      CKV_AWS_394: "The stack takes the first zones by name; the name of a new zone comes last.",
    });
    // Not `element`: it would wrap around to the first zone if the region has fewer.
    return Array.from({ length: zones }, (_, zone) => String(Fn.lookupNested(available.names, [zone])));
  }

  private subnets(kind: "public" | "private"): Subnet[] {
    const { config, context } = this.props;
    const mapPublicIpOnLaunch = kind === "public" && this.assignPublicIp;
    return subnetCidrs(config)[kind].map((cidrBlock, zone) => {
      const subnet = new Subnet(this, `${kind}-${zone}`, {
        vpcId: this.id,
        cidrBlock,
        availabilityZone: this.zones[zone],
        mapPublicIpOnLaunch,
        ...(config.ipv6 && {
          ipv6CidrBlock: Fn.cidrsubnet(this.vpc.ipv6CidrBlock, 8, partOf(kind, zone)),
          assignIpv6AddressOnCreation: true,
        }),
        tags: { Name: `${context.name}-${kind}-${zone}` },
      });
      acceptFindings(subnet, {
        CKV_AWS_130: mapPublicIpOnLaunch && "The config says egress: public-ip. Security groups let nothing in.",
      });
      return subnet;
    });
  }

  private routeTable(id: string, subnets: readonly Subnet[]): RouteTable {
    const table = new RouteTable(this, `${id}-routes`, {
      vpcId: this.id,
      tags: { Name: `${this.props.context.name}-${id}` },
    });
    subnets.forEach((subnet, index) => {
      new RouteTableAssociation(this, `${id}-association-${index}`, { routeTableId: table.id, subnetId: subnet.id });
    });
    return table;
  }

  private internet(routes: RouteTable): Route {
    const { config, context } = this.props;
    const gateway = new InternetGateway(this, "internet", { vpcId: this.id, tags: { Name: context.name } });
    const way = { routeTableId: routes.id, gatewayId: gateway.id };
    if (config.ipv6) new Route(this, "public-route-ipv6", { ...way, destinationIpv6CidrBlock: everywhereIpv6 });
    return new Route(this, "public-route", { ...way, destinationCidrBlock: everywhere });
  }

  private natGateways(publicSubnets: readonly Subnet[], dependsOn: Route[]): NatGateway[] {
    const { config, context } = this.props;
    const count = { "public-ip": 0, "endpoints-only": 0, "single-nat": 1, "nat-per-az": publicSubnets.length };
    return publicSubnets.slice(0, count[config.egress]).map((subnet, zone) => {
      const address = new Eip(this, `nat-address-${zone}`, {
        domain: "vpc",
        tags: { Name: `${context.name}-nat-${zone}` },
      });
      return new NatGateway(this, `nat-${zone}`, {
        allocationId: address.id,
        subnetId: subnet.id,
        tags: { Name: `${context.name}-${zone}` },
        dependsOn,
      });
    });
  }

  private wayOut(privateRoutes: readonly RouteTable[], nats: readonly NatGateway[]): void {
    const { config, context } = this.props;
    if (nats.length === 0) return;
    const egressOnly = config.ipv6
      ? new EgressOnlyInternetGateway(this, "egress-only", { vpcId: this.id, tags: { Name: context.name } })
      : undefined;
    privateRoutes.forEach(({ id: routeTableId }, zone) => {
      new Route(this, `private-route-${zone}`, {
        routeTableId,
        destinationCidrBlock: everywhere,
        natGatewayId: (nats[zone] ?? nats[0])?.id,
      });
      if (!egressOnly) return;
      new Route(this, `private-route-ipv6-${zone}`, {
        routeTableId,
        destinationIpv6CidrBlock: everywhereIpv6,
        egressOnlyGatewayId: egressOnly.id,
      });
    });
  }
}
