import { describe, expect, it } from "vitest";
import { configWith, errorsWith } from "./files.ts";

describe("network", () => {
  it("may be given by ids", () => {
    expect(configWith("network: { vpcId: vpc-01234567, subnetIds: [subnet-01234567] }").network).toEqual({
      vpcId: "vpc-01234567",
      subnetIds: ["subnet-01234567"],
      assignPublicIp: false,
    });
  });

  it.each(["10.0.0.0/16", "192.168.16.0/20", "172.16.1.0/24"])("takes the range %s", (cidr) => {
    expect(configWith(`network: { create: { cidr: ${cidr} } }`).network).toMatchObject({ create: { cidr } });
  });

  it.each([
    "10.0.0.1/16",
    "10.0.0.0/15",
    "10.0.0.0/29",
    "10.0.0.0",
    "10.0.0/16",
    "010.0.0.0/16",
    "10.0.0.0/16/16",
    "::/16",
    "x/16",
    "10.0.0.0/ 16",
  ])("refuses the range %s", (cidr) => {
    expect(errorsWith(`network: { create: { cidr: "${cidr}" } }`)).toEqual([
      expect.stringMatching(/^network\.create\.cidr: must be an IPv4 range from \/16 to \/28 that starts at its first/),
    ]);
  });

  it("refuses a subnet twice", () => {
    const text = "network: { vpcId: vpc-01234567, subnetIds: [subnet-01234567, subnet-01234567] }";
    expect(errorsWith(text)).toEqual(["network.subnetIds: must not repeat an item, found a list of 2"]);
  });
});
