import { DataAwsAvailabilityZones } from "@cdktf/provider-aws/lib/data-aws-availability-zones";
import { DefaultSecurityGroup } from "@cdktf/provider-aws/lib/default-security-group";
import { Eip } from "@cdktf/provider-aws/lib/eip";
import { InternetGateway } from "@cdktf/provider-aws/lib/internet-gateway";
import { NatGateway } from "@cdktf/provider-aws/lib/nat-gateway";
import { Route } from "@cdktf/provider-aws/lib/route";
import { RouteTable } from "@cdktf/provider-aws/lib/route-table";
import { RouteTableAssociation } from "@cdktf/provider-aws/lib/route-table-association";
import { SecurityGroup } from "@cdktf/provider-aws/lib/security-group";
import { Subnet } from "@cdktf/provider-aws/lib/subnet";
import { Vpc } from "@cdktf/provider-aws/lib/vpc";
import { VpcSecurityGroupEgressRule } from "@cdktf/provider-aws/lib/vpc-security-group-egress-rule";
import { Fn } from "cdktf";
import { Construct } from "constructs";
import type { NetworkConfig } from "../config/network.ts";
import type { StackContext } from "./stack-context.ts";

type CreatedNetwork = Extract<NetworkConfig, { create: unknown }>["create"];

/** Where agents run: subnets with a way out, and security groups without a way in. */
export interface FleetNetwork {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];
  readonly assignPublicIp: boolean;
}

/** Makes the network of a fleet, or joins the one that the config names. */
export function fleetNetwork(scope: Construct, config: NetworkConfig, context: StackContext): FleetNetwork {
  if ("create" in config) {
    const network = new CreatedFleetNetwork(scope, "network", { config: config.create, context });
    return {
      vpcId: network.vpcId,
      subnetIds: network.subnetIds,
      securityGroupIds: [agentSecurityGroup(scope, network.vpcId, context)],
      assignPublicIp: config.create.egress === "public-ip",
    };
  }
  return {
    vpcId: config.vpcId,
    subnetIds: config.subnetIds,
    securityGroupIds: config.securityGroupIds ?? [agentSecurityGroup(scope, config.vpcId, context)],
    assignPublicIp: config.assignPublicIp,
  };
}

function agentSecurityGroup(scope: Construct, vpcId: string, context: StackContext): string {
  const group = new SecurityGroup(scope, "agents-security-group", {
    name: `${context.name}-agents`,
    description: "Agents: no way in, every way out",
    vpcId,
    tags: { Name: `${context.name}-agents` },
  });
  new VpcSecurityGroupEgressRule(scope, "agents-egress", {
    securityGroupId: group.id,
    description: "To the vendor, registries and what jobs manage",
    ipProtocol: "-1",
    cidrIpv4: "0.0.0.0/0",
  });
  return group.id;
}

/** A VPC with a public subnet per zone and, behind NAT, a private one. */
class CreatedFleetNetwork extends Construct {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  private readonly zones: DataAwsAvailabilityZones;
  private readonly vpc: Vpc;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: { readonly config: CreatedNetwork; readonly context: StackContext },
  ) {
    super(scope, id);
    const { config, context } = props;
    this.vpc = new Vpc(this, "vpc", {
      cidrBlock: config.cidr,
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: { Name: context.name },
    });
    this.vpcId = this.vpc.id;
    // No rules given: Terraform empties the group that AWS would otherwise leave open inside the VPC.
    new DefaultSecurityGroup(this, "default-security-group", { vpcId: this.vpc.id });
    this.zones = new DataAwsAvailabilityZones(this, "zones", {
      state: "available",
      filter: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
    });

    const zoneIndexes = Array.from({ length: config.availabilityZones }, (_, index) => index);
    const gateway = new InternetGateway(this, "internet", { vpcId: this.vpc.id, tags: { Name: context.name } });
    const publicSubnets = zoneIndexes.map((zone) => this.subnet("public", zone, zone));
    const publicRoutes = this.routeTable("public", publicSubnets);
    const internetRoute = new Route(this, "public-route", {
      routeTableId: publicRoutes.id,
      destinationCidrBlock: "0.0.0.0/0",
      gatewayId: gateway.id,
    });
    if (config.egress === "public-ip") {
      this.subnetIds = publicSubnets.map((subnet) => subnet.id);
      return;
    }

    const natSubnets = config.egress === "nat-per-az" ? publicSubnets : publicSubnets.slice(0, 1);
    const nats = natSubnets.map((subnet, zone) => {
      const address = new Eip(this, `nat-address-${zone}`, {
        domain: "vpc",
        tags: { Name: `${context.name}-nat-${zone}` },
      });
      return new NatGateway(this, `nat-${zone}`, {
        allocationId: address.id,
        subnetId: subnet.id,
        tags: { Name: `${context.name}-${zone}` },
        dependsOn: [internetRoute],
      });
    });
    const privateSubnets = zoneIndexes.map((zone) => this.subnet("private", zone, zone + config.availabilityZones));
    privateSubnets.forEach((subnet, zone) => {
      const routes = this.routeTable(`private-${zone}`, [subnet]);
      const nat = nats[Math.min(zone, nats.length - 1)];
      new Route(this, `private-route-${zone}`, {
        routeTableId: routes.id,
        destinationCidrBlock: "0.0.0.0/0",
        natGatewayId: nat?.id,
      });
    });
    this.subnetIds = privateSubnets.map((subnet) => subnet.id);
  }

  /** Subnets share the VPC's range in sixteen equal parts: enough for six zones of two kinds. */
  private subnet(kind: "public" | "private", zone: number, part: number): Subnet {
    return new Subnet(this, `${kind}-${zone}`, {
      vpcId: this.vpc.id,
      cidrBlock: Fn.cidrsubnet(this.props.config.cidr, 4, part),
      availabilityZone: Fn.element(this.zones.names, zone),
      mapPublicIpOnLaunch: false,
      tags: { Name: `${this.props.context.name}-${kind}-${zone}` },
    });
  }

  private routeTable(id: string, subnets: readonly Subnet[]): RouteTable {
    const table = new RouteTable(this, `${id}-routes`, {
      vpcId: this.vpc.id,
      tags: { Name: `${this.props.context.name}-${id}` },
    });
    subnets.forEach((subnet, index) => {
      new RouteTableAssociation(this, `${id}-association-${index}`, { routeTableId: table.id, subnetId: subnet.id });
    });
    return table;
  }
}
