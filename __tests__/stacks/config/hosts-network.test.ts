import { describe, expect, it } from "vitest";
import { errorsOf, load, minimal } from "./files.ts";

const ids = (vpc: string, more = "") => `network: { vpcId: vpc-${vpc}, subnetIds: [subnet-0123456789abcdef0]${more} }`;
const one = ids("0123456789abcdef0");
const another = ids("0fedcba9876543210");

/** A fleet on the hosts of a cluster, and networks, all in one folder. */
const folder = ({ fleet, cluster }: { fleet: string; cluster: string }) => ({
  "config/fleet.yaml": `${minimal}compute: { capacityProvider: { stack: apps } }\n${fleet}`,
  "config/apps.yaml": `kind: ecs-cluster\nregion: us-west-2\n${cluster}`,
  "config/nat.yaml": "kind: network\nregion: us-west-2\n",
  "config/open.yaml": "kind: network\nregion: us-west-2\negress: public-ip\n",
});

describe("the network of a fleet on a cluster's hosts", () => {
  it.each([
    ["", "network: { stack: nat }"],
    ["", "network: { create: {} }"],
    ["", one],
    ["network: { stack: nat }", "network: { stack: nat }"],
    ["network: { stack: far, elsewhere: true }", "network: { stack: far, elsewhere: true }"],
    ["network: { stack: nat }", one],
    [one, one],
    [one, "network: { create: {} }"],
  ])("may be left out or the same, as far as can be told: %j of %j", (fleet, cluster) => {
    expect(load(folder({ fleet, cluster })).stacks).toHaveLength(4);
  });

  it.each([
    ["network: { stack: nat }", "network: { stack: far, elsewhere: true }"],
    ["network: { stack: nat }", "network: { create: {} }"],
    [one, another],
  ])("is no other: not %j of %j", (fleet, cluster) => {
    expect(errorsOf(() => load(folder({ fleet, cluster })))).toEqual([
      "config/fleet.yaml:5:1: network: must be left out or be the network of the hosts of apps: agents are in the VPC of their host",
    ]);
  });

  it.each([
    ["", "network: { stack: open }"],
    ["", "network: { create: { egress: public-ip } }"],
    ["", ids("0123456789abcdef0", ", assignPublicIp: true")],
    ["network: { stack: open }", "network: { stack: open }"],
  ])("has a way out for tasks without a public IP: not %j of %j", (fleet, cluster) => {
    expect(errorsOf(() => load(folder({ fleet, cluster })))).toEqual([
      expect.stringMatching(
        /^config\/fleet\.yaml:4:12: compute\.capacityProvider: must be on a network with NAT or endpoints: /,
      ),
    ]);
  });

  it("is taken on trust where the cluster is deployed from elsewhere", () => {
    const { "config/apps.yaml": _, ...files } = folder({ fleet: "network: { stack: nat }", cluster: "" });
    const fleet = files["config/fleet.yaml"].replace("stack: apps", "stack: apps, elsewhere: true");
    expect(load({ ...files, "config/fleet.yaml": fleet }).stacks).toHaveLength(3);
  });
});

describe("the disk of the hosts that a fleet is on", () => {
  const warningsOf = (hosts: string) =>
    load({
      "config/fleet.yaml": `${minimal}compute: { capacityProvider: { stack: apps } }\n`,
      "config/apps.yaml": `kind: ecs-cluster\nregion: us-west-2\nalarms: { emails: [ops@example.com] }\n${hosts}`,
    }).warnings.filter((line) => line.includes("volume"));

  it("gets a warning while it is small", () => {
    expect(warningsOf("")).toEqual([
      "config/fleet.yaml:4:32: compute.capacityProvider.stack: is apps, whose hosts have disks of 30 GiB for all their agents' images and work: set its hosts.volume.sizeGiB to 50 or more",
    ]);
    expect(warningsOf("hosts: { volume: { sizeGiB: 49 } }")).toHaveLength(1);
  });

  it("gets none where it is large, or where no fleet is on it", () => {
    expect(warningsOf("hosts: { volume: { sizeGiB: 50 } }")).toEqual([]);
    const alone = "kind: ecs-cluster\nregion: us-west-2\nalarms: { emails: [ops@example.com] }\n";
    expect(load({ "config/apps.yaml": alone }).warnings).toEqual([]);
  });
});
