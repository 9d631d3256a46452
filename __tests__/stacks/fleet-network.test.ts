import { describe, expect, it } from "vitest";
import { minimal, resources, type Synthesized, synthesize, theOnly } from "./synth.ts";

const fleet = (network?: unknown) => synthesize({ ...minimal, ...(network !== undefined && { network }) });

/** Where the loop launches agents, as its settings say. */
function capacityOf(stack: Synthesized): { subnets: string; assignPublicIp: string; securityGroups: string[] } {
  const { document } = JSON.parse(String(theOnly(stack, "aws_dynamodb_table_item").item));
  return JSON.parse(document.S).capacity;
}

describe("the fleet's network", () => {
  it("is a VPC of its own by default, in whose private subnets agents run", () => {
    const stack = fleet();
    expect(resources(stack, "aws_nat_gateway")).toHaveLength(1);
    expect(capacityOf(stack)).toMatchObject({
      subnets: expect.stringMatching(
        /^\$\{aws_subnet\.network_private-0_\w+\.id\},\$\{aws_subnet\.network_private-1_\w+\.id\}$/,
      ),
      assignPublicIp: "false",
    });
  });

  it("names the agents' security groups in an output, for file systems and databases that let them in", () => {
    expect(fleet().output?.agent_security_group_ids?.value).toEqual([
      expect.stringMatching(/^\$\{aws_security_group\.agents-security-group\w*\.id\}$/),
    ]);
    const own = { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] };
    const securityGroupIds = ["sg-0123456789abcdef0"];
    expect(fleet({ ...own, securityGroupIds }).output?.agent_security_group_ids?.value).toEqual(securityGroupIds);
  });

  it("gives agents a public IP where that is the way out", () => {
    expect(capacityOf(fleet({ create: { egress: "public-ip", availabilityZones: 1 } }))).toMatchObject({
      subnets: expect.stringMatching(/^\$\{aws_subnet\.network_public-0_\w+\.id\}$/),
      assignPublicIp: "true",
    });
  });

  it("lets nobody in", () => {
    const stack = fleet();
    expect(stack.resource).not.toHaveProperty("aws_vpc_security_group_ingress_rule");
    expect(theOnly(stack, "aws_security_group")).not.toHaveProperty("ingress");
    expect(theOnly(stack, "aws_default_security_group")).not.toHaveProperty("ingress");
  });

  it("publishes nothing that nobody shares", () => {
    expect(resources(fleet(), "aws_ssm_parameter")).toEqual([]);
  });

  it("may be given: subnets are used as they are", () => {
    const stack = fleet({
      vpcId: "vpc-0123456789abcdef0",
      subnetIds: ["subnet-0123456789abcdef0", "subnet-1123456789abcdef0"],
      assignPublicIp: true,
    });
    expect(resources(stack, "aws_vpc")).toEqual([]);
    expect(theOnly(stack, "aws_security_group")).toMatchObject({ vpc_id: "vpc-0123456789abcdef0" });
    expect(stack.output?.vpc_id).toEqual({ value: "vpc-0123456789abcdef0" });
    expect(capacityOf(stack)).toMatchObject({
      subnets: "subnet-0123456789abcdef0,subnet-1123456789abcdef0",
      assignPublicIp: "true",
    });
  });

  it.each([
    { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] },
    { stack: "shared-network" },
  ])("given security groups replace ours", (network) => {
    const stack = fleet({ ...network, securityGroupIds: ["sg-0123456789abcdef0"] });
    expect(resources(stack, "aws_security_group")).toEqual([]);
    expect(capacityOf(stack).securityGroups).toEqual(["sg-0123456789abcdef0"]);
  });
});
