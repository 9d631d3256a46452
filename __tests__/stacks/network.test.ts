import { describe, expect, it } from "vitest";
import { network } from "./network.ts";
import { resources, type Synthesized, synthesize, theOnly } from "./synth.ts";

/** Every service with an endpoint that the config knows. */
const everyEndpoint =
  "ecr.api ecr.dkr logs ssm ssmmessages ec2messages ec2 autoscaling states secretsmanager kms sts sqs ecs ecs-agent ecs-telemetry lambda s3 dynamodb".split(
    " ",
  );

/** A resource's address → where the default routes of its table lead, by the type of the target. */
function defaultRoutes(stack: Synthesized): Record<string, string[]> {
  const tables = Object.entries(stack.resource.aws_route_table ?? {});
  return Object.fromEntries(
    tables.map(([id, table]) => {
      const routes = resources(stack, "aws_route").filter(({ route_table_id }) => String(route_table_id).includes(id));
      const targets = routes.map(({ destination_cidr_block, destination_ipv6_cidr_block, ...route }) => {
        const target = String(route.gateway_id ?? route.nat_gateway_id ?? route.egress_only_gateway_id);
        return `${destination_cidr_block ?? destination_ipv6_cidr_block} → ${/aws_\w+\.[a-z]+_([a-z]+(?:-only|-\d)?)/.exec(target)?.[1]}`;
      });
      return [String((table.tags as { Name: string }).Name), targets.sort()];
    }),
  );
}

const namesOf = (stack: Synthesized, type: string) =>
  resources(stack, type).map(({ tags }) => (tags as { Name: string }).Name);

describe("the way out", () => {
  it.each([
    {
      egress: "single-nat",
      subnets: ["net-private-0", "net-private-1", "net-public-0", "net-public-1"],
      routes: {
        "net-public": ["0.0.0.0/0 → internet"],
        "net-private-0": ["0.0.0.0/0 → nat-0"],
        "net-private-1": ["0.0.0.0/0 → nat-0"],
      },
      agentsIn: "private",
    },
    {
      egress: "nat-per-az",
      subnets: ["net-private-0", "net-private-1", "net-public-0", "net-public-1"],
      routes: {
        "net-public": ["0.0.0.0/0 → internet"],
        "net-private-0": ["0.0.0.0/0 → nat-0"],
        "net-private-1": ["0.0.0.0/0 → nat-1"],
      },
      agentsIn: "private",
    },
    {
      egress: "public-ip",
      subnets: ["net-public-0", "net-public-1"],
      routes: { "net-public": ["0.0.0.0/0 → internet"] },
      agentsIn: "public",
    },
    {
      egress: "endpoints-only",
      subnets: ["net-private-0", "net-private-1"],
      routes: { "net-private-0": [], "net-private-1": [] },
      agentsIn: "private",
    },
  ])("$egress", ({ egress, subnets, routes, agentsIn }) => {
    const stack = network({ egress });
    expect(namesOf(stack, "aws_subnet").sort()).toEqual(subnets);
    expect(defaultRoutes(stack)).toEqual(routes);
    const published = resources(stack, "aws_ssm_parameter").find(({ name }) => String(name).includes("agent-subnet"));
    const ids = String(published?.value).split(",");
    expect(ids).toEqual([
      expect.stringContaining(`network_${agentsIn}-0_`),
      expect.stringContaining(`network_${agentsIn}-1_`),
    ]);
    expect(stack.output?.agent_subnet_ids?.value).toEqual(ids);
    for (const subnet of resources(stack, "aws_subnet")) {
      expect(subnet.map_public_ip_on_launch).toBe(egress === "public-ip");
    }
  });

  it("tells its range by the name that earlier modules had, given or not", () => {
    expect(network().output?.vpc_cidr?.value).toBe("10.40.0.0/16");
    expect(network({ cidr: "10.9.0.0/16" }).output?.vpc_cidr?.value).toBe("10.9.0.0/16");
  });

  it("tells the addresses that the NAT gateways leave from", () => {
    expect(network({ egress: "nat-per-az" }).output?.nat_public_ips?.value).toHaveLength(2);
    expect(network({ egress: "public-ip" }).output?.nat_public_ips?.value).toEqual([]);
  });

  it("has an address and, before the gateway is made, a route to the internet", () => {
    const stack = network();
    expect(theOnly(stack, "aws_nat_gateway")).toMatchObject({
      allocation_id: expect.stringContaining("aws_eip.network_nat-address-0_"),
      subnet_id: expect.stringContaining("aws_subnet.network_public-0_"),
      depends_on: [expect.stringContaining("aws_route.network_public-route_")],
    });
    expect(theOnly(stack, "aws_eip")).toMatchObject({ domain: "vpc" });
  });
});

describe("zones and ranges", () => {
  it("counts zones from the region's own list and never starts again at its beginning", () => {
    const stack = network({ availabilityZones: 3 });
    const zones = resources(stack, "aws_subnet").map(({ availability_zone }) => availability_zone);
    const names = /^\$\{data\.aws_availability_zones\.network_zones_\w+\.names\.([012])\}$/;
    expect(zones.map((zone) => names.exec(String(zone))?.[1])).toEqual(["0", "1", "2", "0", "1", "2"]);
  });

  it("asks nobody when zones are given by name", () => {
    const stack = network({ availabilityZones: ["us-west-2b", "us-west-2d"], egress: "public-ip" });
    expect(stack.data).not.toHaveProperty("aws_availability_zones");
    expect(resources(stack, "aws_subnet").map(({ availability_zone }) => availability_zone)).toEqual([
      "us-west-2b",
      "us-west-2d",
    ]);
  });

  it("takes given ranges and derives the others", () => {
    const blocksOf = (stack: Synthesized) => resources(stack, "aws_subnet").map(({ cidr_block }) => cidr_block);
    const given = { publicSubnetCidrs: ["10.40.0.0/28"], privateSubnetCidrs: ["10.40.128.0/17"], availabilityZones: 1 };
    expect(blocksOf(network(given)).sort()).toEqual(["10.40.0.0/28", "10.40.128.0/17"]);
    expect(blocksOf(network()).sort()).toEqual(["10.40.0.0/20", "10.40.128.0/20", "10.40.144.0/20", "10.40.16.0/20"]);
  });

  it("a VPC resolves names, and its default security group has no rules", () => {
    const stack = network();
    expect(theOnly(stack, "aws_vpc")).toMatchObject({ enable_dns_support: true, enable_dns_hostnames: true });
    const group = theOnly(stack, "aws_default_security_group");
    expect(group).not.toHaveProperty("ingress");
    expect(group).not.toHaveProperty("egress");
  });

  it("tags everything", () => {
    const stack = network({ tags: { Environment: "prod" } });
    expect(stack.provider.aws?.[0]).toMatchObject({
      default_tags: [{ tags: { Fleet: "net", ManagedBy: "agent-fleets", Environment: "prod" } }],
    });
  });
});

describe("IPv6", () => {
  it("is off unless asked for", () => {
    expect(JSON.stringify(network({ egress: "nat-per-az" }).resource)).not.toMatch(/ipv6/i);
  });

  it("goes out of private subnets, and nothing comes in", () => {
    const stack = network({ ipv6: true, egress: "nat-per-az" });
    expect(defaultRoutes(stack)).toEqual({
      "net-public": ["0.0.0.0/0 → internet", "::/0 → internet"],
      "net-private-0": ["0.0.0.0/0 → nat-0", "::/0 → egress-only"],
      "net-private-1": ["0.0.0.0/0 → nat-1", "::/0 → egress-only"],
    });
  });

  it("gives every subnet a /64 of its own", () => {
    const stack = network({ ipv6: true });
    expect(theOnly(stack, "aws_vpc")).toMatchObject({ assign_generated_ipv6_cidr_block: true });
    const parts = resources(stack, "aws_subnet").map((subnet) => {
      expect(subnet.assign_ipv6_address_on_creation).toBe(true);
      return /^\$\{cidrsubnet\(aws_vpc\.\w+\.ipv6_cidr_block, 8, (\d+)\)\}$/.exec(String(subnet.ipv6_cidr_block))?.[1];
    });
    expect(parts.sort()).toEqual(["0", "1", "8", "9"]);
  });

  it("has no way out where there is none", () => {
    const stack = network({ ipv6: true, egress: "endpoints-only" });
    expect(resources(stack, "aws_egress_only_internet_gateway")).toEqual([]);
    expect(resources(stack, "aws_route")).toEqual([]);
  });
});

describe("endpoints", () => {
  const byType = (stack: Synthesized, type: string) =>
    resources(stack, "aws_vpc_endpoint").filter(({ vpc_endpoint_type }) => vpc_endpoint_type === type);

  it.each([
    ["single-nat", 3],
    ["nat-per-az", 3],
    ["public-ip", 1],
    ["endpoints-only", 2],
  ])("that cost nothing are known to every route table with egress %s", (egress, tables) => {
    const gateways = byType(network({ egress }), "Gateway");
    expect(gateways.map(({ service_name }) => service_name)).toEqual([
      "com.amazonaws.us-west-2.dynamodb",
      "com.amazonaws.us-west-2.s3",
    ]);
    for (const { route_table_ids } of gateways) expect(route_table_ids).toHaveLength(tables);
  });

  it.each(["cn-north-1", "cn-northwest-1"])("have the names of %s, of which some begin with cn", (region) => {
    const stack = synthesize(
      { kind: "network", region, egress: "endpoints-only", endpoints: [...everyEndpoint] },
      "net",
    );
    const names = resources(stack, "aws_vpc_endpoint").map(({ service_name }) => String(service_name));
    const chinese = names.filter((name) => name.startsWith(`cn.com.amazonaws.${region}.`));
    const others = names.filter((name) => name.startsWith(`com.amazonaws.${region}.`));
    expect(chinese.map((name) => name.split(`${region}.`)[1]).sort()).toEqual([
      "autoscaling",
      "ec2",
      "ecr.api",
      "ecr.dkr",
      "lambda",
      "sqs",
      "states",
      "sts",
    ]);
    expect(chinese.length + others.length).toBe(everyEndpoint.length);
    expect(others).toContain(`com.amazonaws.${region}.s3`);
  });

  it("are in the agents' subnet of each zone, and admit HTTPS from the VPC only", () => {
    const stack = network({ egress: "public-ip", endpoints: ["ecr.api"], cidr: "10.50.0.0/20" });
    expect(theOnly(stack, "aws_vpc_endpoint")).toMatchObject({
      vpc_endpoint_type: "Interface",
      service_name: "com.amazonaws.us-west-2.ecr.api",
      private_dns_enabled: true,
      subnet_ids: [expect.stringContaining("network_public-0_"), expect.stringContaining("network_public-1_")],
      security_group_ids: [expect.stringContaining("network_endpoints_security-group_")],
    });
    expect(theOnly(stack, "aws_vpc_security_group_ingress_rule")).toMatchObject({
      security_group_id: expect.stringContaining("network_endpoints_security-group_"),
      cidr_ipv4: "10.50.0.0/20",
      ip_protocol: "tcp",
      from_port: 443,
      to_port: 443,
    });
    expect(stack.resource).not.toHaveProperty("aws_vpc_security_group_egress_rule");
  });

  it("need no security group where none has an address", () => {
    expect(resources(network(), "aws_security_group")).toEqual([]);
  });

  it("are what tasks and hosts need where nothing else can be reached", () => {
    const services = byType(network({ egress: "endpoints-only" }), "Interface").map(({ service_name }) => service_name);
    expect(services).toHaveLength(10);
    expect(services).toContain("com.amazonaws.us-west-2.ecs-agent");
  });

  it("are none when none are asked for", () => {
    expect(resources(network({ endpoints: [] }), "aws_vpc_endpoint")).toEqual([]);
  });
});
