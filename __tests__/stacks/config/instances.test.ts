import { describe, expect, it } from "vitest";
import { explainTypes } from "../../../stacks/config/compute/instances.ts";
import { explainBlindTypes } from "../../../stacks/config/compute/own-tags.ts";
import { ec2Fleet } from "../../../stacks/config/ec2-fleet.ts";
import { errorsIn, messagesIn } from "./files.ts";

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

describe("types on which agents may not see their tags", () => {
  it.each([
    ...["t1.micro", "t2.large", "m1.small", "m2.xlarge", "m3.large", "m4.16xlarge", "c1.medium", "c3.large"],
    ...["c4.8xlarge", "r3.large", "r4.xlarge", "i2.xlarge", "i3.16xlarge", "d2.xlarge", "h1.2xlarge", "x1.16xlarge"],
    ...["x1e.xlarge", "p2.xlarge", "p3.2xlarge", "g2.2xlarge", "g3.4xlarge", "g3s.xlarge", "f1.2xlarge"],
  ])("are those on Xen: %s", (type) => {
    expect(explainBlindTypes(["m7i.large", type])).toContain(`, and ${type} is not: `);
  });

  it.each([
    ...["t3.micro", "t4g.small", "m5.large", "m7i-flex.large", "c5n.large", "r5b.large", "i3en.large", "i3.metal"],
    ...["d3.xlarge", "x2idn.16xlarge", "p3dn.24xlarge", "g4dn.xlarge", "f2.6xlarge", "im4gn.large", "a1.large"],
  ])("are none on Nitro: %s", (type) => {
    expect(explainBlindTypes([type])).toBeUndefined();
  });

  const semaphore = { type: "semaphore", organization: "acme" };
  const spacelift = {
    type: "spacelift",
    workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
    endpoint: "https://acme.app.spacelift.io",
    apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
  };

  it("are refused where agents leave by themselves, by file, key and what is allowed", () => {
    const text = `kind: ec2-fleet\nregion: us-west-2\nvendor: ${JSON.stringify(semaphore)}\n`;
    expect(errorsIn(`${text}compute: { instances: { types: [m7i.large, t2.large, i3.large] } }`)).toEqual([
      expect.stringMatching(
        /^config\/fleet\.yaml:4:\d+: compute\.instances\.types: must be types of the Nitro System \(such as t3, .*\), and t2\.large, i3\.large are not: /,
      ),
    ]);
  });

  it.each([
    ["types on Nitro", semaphore, { types: ["m7i.large"] }],
    ["attributes", semaphore, { vcpus: { min: 2 }, memoryMiB: { min: 4096 } }],
    ["any type for Spacelift, whose agents the loop retires", spacelift, { types: ["t2.large"] }],
  ])("are the only ones that are refused: %s", (_, vendor, instances) => {
    const fleet = { kind: "ec2-fleet", region: "us-west-2", vendor, compute: { instances } };
    expect(ec2Fleet.safeParse(fleet).error).toBeUndefined();
  });
});
