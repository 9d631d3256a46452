import { describe, expect, it } from "vitest";
import { minimal, resources, synthesize, theOnly } from "./synth.ts";

const withNetwork = (network: unknown) => synthesize({ ...minimal, network });

describe("the fleet's network", () => {
  it.each([
    { egress: "single-nat", zones: 3, nats: 1, subnets: 6 },
    { egress: "nat-per-az", zones: 3, nats: 3, subnets: 6 },
    { egress: "public-ip", zones: 3, nats: 0, subnets: 3 },
  ])("egress $egress over $zones zones has $nats NAT gateways and $subnets subnets", ({
    egress,
    zones,
    nats,
    subnets,
  }) => {
    const stack = withNetwork({ create: { egress, availabilityZones: zones } });
    expect(resources(stack, "aws_nat_gateway")).toHaveLength(nats);
    expect(resources(stack, "aws_subnet")).toHaveLength(subnets);
    const blocks = resources(stack, "aws_subnet").map((subnet) => subnet.cidr_block);
    expect(new Set(blocks).size).toBe(subnets);
  });

  it("each private zone leaves by its own NAT gateway where there is one per zone", () => {
    const stack = withNetwork({ create: { egress: "nat-per-az", availabilityZones: 2 } });
    const gateways = resources(stack, "aws_route").flatMap((route) => route.nat_gateway_id ?? []);
    expect(new Set(gateways).size).toBe(2);
  });

  it("nobody gets in: no ingress rule, and the default group is emptied", () => {
    const stack = synthesize(minimal);
    expect(stack.resource).not.toHaveProperty("aws_vpc_security_group_ingress_rule");
    expect(theOnly(stack, "aws_security_group")).not.toHaveProperty("ingress");
    expect(theOnly(stack, "aws_default_security_group")).not.toHaveProperty("ingress");
  });

  it("given subnets are used as they are", () => {
    const stack = withNetwork({ vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] });
    expect(resources(stack, "aws_vpc")).toEqual([]);
    expect(theOnly(stack, "aws_security_group")).toMatchObject({ vpc_id: "vpc-0123456789abcdef0" });
    expect(stack.output?.vpc_id).toEqual({ value: "vpc-0123456789abcdef0" });
  });

  it("given security groups replace ours", () => {
    const stack = withNetwork({
      vpcId: "vpc-0123456789abcdef0",
      subnetIds: ["subnet-0123456789abcdef0"],
      securityGroupIds: ["sg-0123456789abcdef0"],
    });
    expect(resources(stack, "aws_security_group")).toEqual([]);
  });
});
