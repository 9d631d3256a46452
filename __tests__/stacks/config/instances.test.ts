import { describe, expect, it } from "vitest";
import { explainTypes } from "../../../stacks/config/compute/instances.ts";
import { messagesIn } from "./files.ts";

describe("instance types", () => {
  it.each([
    "m7g.large",
    "c6gn.medium",
    "t4g.small",
    "a1.metal",
    "x2gd.large",
    "im4gn.large",
    "is4gen.large",
    "hpc7g.4xlarge",
    "p6e-gb200.36xlarge",
  ])("%s is for arm64", (type) => {
    expect(explainTypes([type], "arm64")).toBeUndefined();
    expect(explainTypes([type], "x86_64")).toBe(`must be for architecture x86_64, and ${type} is not`);
  });

  it.each([
    "m7i.large",
    "g4dn.xlarge",
    "g6.xlarge",
    "t3a.micro",
    "p4de.24xlarge",
    "u-6tb1.metal",
    "trn1.2xlarge",
  ])("%s is for x86_64", (type) => {
    expect(explainTypes([type], "x86_64")).toBeUndefined();
    expect(explainTypes(["m7g.large", type], "arm64")).toBe(`must be for architecture arm64, and ${type} is not`);
  });

  it.each([
    [
      "a fleet on instances",
      "kind: ec2-fleet\nregion: us-west-2\nvendor: { type: semaphore, organization: acme }\ncompute: { instances: { types: [m7i.large, m7g.large] } }",
      "compute.instances",
    ],
    [
      "a cluster",
      "kind: ecs-cluster\nregion: us-west-2\nhosts: { instances: { types: [m7i.large, m7g.large] } }",
      "hosts.instances",
    ],
  ])("must fit the image of %s", (_, config, path) => {
    expect(messagesIn(config)).toEqual([
      expect.stringContaining(`${path}: must be for architecture x86_64, and m7g.large is not`),
    ]);
  });
});
