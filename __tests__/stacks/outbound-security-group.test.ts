import { expect, it } from "vitest";
import { synthCluster } from "./ecs-cluster.ts";
import { minimal, resources, synthesize } from "./synth.ts";

const service = { name: "api", image: "nginx:1", memoryMiB: 128, networkMode: "awsvpc" };
const image = { kind: "machine-image", region: "us-west-2", network: { subnetId: "subnet-01234567" } };

it.each([
  ["a fleet's agents", synthesize(minimal)],
  ["a cluster's hosts and its services' tasks", synthCluster({ services: [service] })],
  ["builds of images", synthesize(image)],
])("%s have a way out by IPv4 and by IPv6", (_, stack) => {
  const rules = resources(stack, "aws_vpc_security_group_egress_rule");
  const groups = new Set(rules.map(({ security_group_id }) => security_group_id));
  expect(groups.size).toBeGreaterThan(0);
  for (const group of groups) {
    const own = rules.filter(({ security_group_id }) => security_group_id === group);
    expect(own.map(({ cidr_ipv4, cidr_ipv6, ip_protocol }) => [cidr_ipv4 ?? cidr_ipv6, ip_protocol]).sort()).toEqual([
      ["0.0.0.0/0", "-1"],
      ["::/0", "-1"],
    ]);
  }
});
