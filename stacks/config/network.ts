import { isIPv4 } from "node:net";
import * as z from "zod";
import { oneOf, text, uniqueList, wholeNumber } from "./primitives.ts";

const cidr = z.string({ error: "must be an IPv4 range" }).refine(isCanonicalCidr, {
  error: "must be an IPv4 range from /16 to /24 that starts at its first address, such as 10.40.0.0/16",
});

function isCanonicalCidr(value: string): boolean {
  const [address = "", prefix = "", ...rest] = value.split("/");
  if (rest.length > 0 || !isIPv4(address) || !/^(?:1[6-9]|2[0-4])$/.test(prefix)) return false;
  const bits = address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
  return bits % 2 ** (32 - Number(prefix)) === 0;
}

const created = z.strictObject({
  create: z
    .strictObject({
      cidr: cidr.default("10.40.0.0/16").describe("IPv4 range of the VPC, /16 to /24."),
      availabilityZones: wholeNumber(1, 6).default(2).describe("How many availability zones to spread agents over."),
      egress: oneOf(["public-ip", "single-nat", "nat-per-az"])
        .default("single-nat")
        .describe(
          "The way out: a public IP per agent (no NAT to pay), one NAT gateway, or one in every zone. " +
            "There is no way in with any of them.",
        ),
    })
    .describe("Makes a VPC for this fleet."),
});

const given = z.strictObject({
  vpcId: text(/^vpc-[0-9a-f]{8,17}$/, "the id of a VPC, such as vpc-0123456789abcdef0").describe("An existing VPC."),
  subnetIds: uniqueList(
    text(/^subnet-[0-9a-f]{8,17}$/, "the id of a subnet, such as subnet-0123456789abcdef0"),
    1,
  ).describe("Subnets of the VPC in which agents run. They need a way out to the vendor."),
  assignPublicIp: z
    .boolean()
    .default(false)
    .describe("Whether agents get a public IP: needed in public subnets, useless in private ones."),
  securityGroupIds: uniqueList(
    text(/^sg-[0-9a-f]{8,17}$/, "the id of a security group, such as sg-0123456789abcdef0"),
    1,
  )
    .optional()
    .describe("Security groups of the agents. Left out: one of our own, without ingress."),
});

/** Where agents run: in a VPC of their own or in given subnets. */
export const network = z.union([created, given], {
  error: "must be either { create: … } or { vpcId: …, subnetIds: … }",
});

/** See {@link network}. */
export type NetworkConfig = z.output<typeof network>;
