import { describe, expect, it } from "vitest";
import { referencesOf } from "../../stacks/config/references.ts";
import { stackConfig } from "../../stacks/config/schema.ts";
import { synthesize, synthesizeTogether, theOnly } from "./synth.ts";

const least = { kind: "machine-image", region: "us-west-2" };

describe("a fleet on an image", () => {
  const config = {
    kind: "ec2-fleet",
    region: "us-west-2",
    vendor: { type: "semaphore", organization: "acme" },
    compute: { architecture: "arm64", ami: { stack: "base" } },
  };

  it("finds the newest of exactly that stack, by what the stack writes on it", () => {
    const fleet = synthesize(config, "ci");
    const { name, ami_tags } = (
      theOnly(
        synthesize({ ...least, tags: { MachineImage: "other" } }, "base"),
        "aws_imagebuilder_distribution_configuration",
      ).distribution as { ami_distribution_configuration: { name: string; ami_tags: Record<string, string> } }[]
    )[0]?.ami_distribution_configuration ?? { name: "", ami_tags: {} };
    const { most_recent, owners, filter } = Object.values(fleet.data.aws_ami ?? {})[0] ?? {};
    expect({ most_recent, owners }).toEqual({ most_recent: true, owners: ["self"] });
    const wanted = Object.fromEntries((filter as { name: string; values: string[] }[]).map((f) => [f.name, f.values]));
    expect(wanted).toEqual({
      name: ["base.*"],
      "tag:MachineImage": [ami_tags.MachineImage],
      architecture: ["arm64"],
      state: ["available"],
    });
    expect(name).toBe("base.{{ imagebuilder:buildDate }}");
    expect(theOnly(fleet, "aws_launch_template").image_id).toMatch(/^\$\{data\.aws_ami\.\w+\.id\}$/);
  });

  it("names it, and is deployed without it: between the two somebody builds the image", () => {
    expect(synthesizeTogether({ base: least, ci: config }).after).toEqual({ base: [], ci: [] });
    expect(referencesOf(stackConfig.parse(config))).toEqual([
      { path: ["compute", "ami", "stack"], stack: "base", elsewhere: false, kind: "machine-image" },
    ]);
    expect(referencesOf(stackConfig.parse(least))).toEqual([]);
  });
});
