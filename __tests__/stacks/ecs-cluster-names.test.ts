import { describe, expect, it } from "vitest";
import { cluster } from "./ecs-cluster.ts";
import { resources, synthesize, theOnly } from "./synth.ts";

describe("an ECS cluster can be had anywhere, and more than once", () => {
  it("defect 6: two clusters share no name", () => {
    const names = (name: string) =>
      Object.values(synthesize(cluster, name).resource).flatMap((byId) =>
        Object.values(byId).flatMap((resource) =>
          resource.name && !String(resource.name).includes("${") ? [resource.name] : [],
        ),
      );
    const one = names("blue");
    expect(one.length).toBeGreaterThan(12);
    expect(names("green").filter((name) => one.includes(name) && name !== "rights")).toEqual([]);
  });

  it.each([
    ["eu-central-1", 3],
    ["ap-southeast-2", 2],
    ["us-gov-west-1", 4],
  ])("defect 6: names no region but the config's (%s), and takes as many zones as that says (%i)", (region, zones) => {
    const service = { name: "web", image: "nginx:1.29.0", ports: [{ name: "http", containerPort: 80 }] };
    const stack = synthesize({
      ...cluster,
      region,
      network: { create: { availabilityZones: zones, egress: "nat-per-az" } },
      loadBalancer: {},
      services: [{ ...service, loadBalancer: { port: "http" }, executeCommand: true }],
    });
    const regions = JSON.stringify(stack).match(
      /\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-iso\w?)?-[a-z]+-\d[a-z]?\b/g,
    );
    expect(new Set(regions)).toEqual(new Set([region]));
    expect(resources(stack, "aws_subnet")).toHaveLength(2 * zones);
    expect(resources(stack, "aws_nat_gateway")).toHaveLength(zones);
    for (const subnets of [
      theOnly(stack, "aws_autoscaling_group").vpc_zone_identifier,
      theOnly(stack, "aws_lb").subnets,
    ]) {
      expect(subnets).toHaveLength(zones);
    }
  });
});
