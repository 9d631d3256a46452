import { describe, expect, it } from "vitest";
import { isBelow, versionRange } from "../../stacks/config/version-range.ts";
import { errorsWith, load, minimal as minimalFile } from "./config/files.ts";
import { minimal, resources, synthesize } from "./synth.ts";

const onInstances = { kind: "ec2-fleet", region: "us-west-2", vendor: { type: "semaphore", organization: "acme" } };

function runtimesOf(config: object): unknown[] {
  const lambdas = resources(synthesize(config), "aws_lambda_function");
  expect(lambdas.length).toBeGreaterThan(0);
  return [...new Set(lambdas.map(({ runtime }) => runtime))];
}

describe("the runtime of a fleet's functions", () => {
  it("is the newest that the built-in AWS provider takes", () => {
    for (const config of [minimal, onInstances]) {
      const { aws } = synthesize(config).terraform.required_providers as Record<string, { version: string }>;
      const { from } = versionRange(aws?.version ?? "");
      expect(from && isBelow(from, [6, 19, 0])).toBe(false);
      expect(runtimesOf(config)).toEqual(["nodejs24.x"]);
    }
  });

  it.each([
    ["~> 6.25", "nodejs24.x"],
    [">= 6.19.0, < 7", "nodejs24.x"],
    ["5.100.0", "nodejs22.x"],
    ["~> 6.0", "nodejs22.x"],
    ["< 8", "nodejs22.x"],
  ])("with AWS provider %s is %s", (aws, runtime) => {
    for (const config of [minimal, onInstances])
      expect(runtimesOf({ ...config, providers: { aws } })).toEqual([runtime]);
  });

  it("may be another one in the config", () => {
    expect(runtimesOf({ ...minimal, loop: { runtime: "nodejs22.x" } })).toEqual(["nodejs22.x"]);
    expect(runtimesOf({ ...onInstances, loop: { runtime: "nodejs24.x" }, providers: { aws: "~> 6.0" } })).toEqual([
      "nodejs24.x",
    ]);
  });

  it("is none that every allowed provider refuses", () => {
    expect(errorsWith('loop: { runtime: nodejs24.x }\nproviders: { aws: "~> 5.100" }')).toEqual([
      expect.stringMatching(
        /^loop\.runtime: must be nodejs22\.x: AWS provider ~> 5\.100 does not know nodejs24\.x, which/,
      ),
    ]);
    expect(errorsWith("loop: { runtime: nodejs18.x }")).toEqual([
      expect.stringContaining("loop.runtime: must be one of nodejs22.x, nodejs24.x"),
    ]);
  });

  const warningsOf = (text: string) => load({ "config/fleet.yaml": minimalFile + text }).warnings;

  it.each([
    ["loop: { runtime: nodejs22.x }", "config/fleet.yaml:4:9: loop.runtime"],
    ['providers: { aws: "5.100.0" }', "config/fleet.yaml:4:14: providers.aws"],
  ])("gets a warning where AWS's support ends first: %s", (text, place) => {
    expect(warningsOf(text)).toContainEqual(
      expect.stringContaining(`${place}: functions run on nodejs22.x, which AWS supports until 2027-04-30`),
    );
  });

  it("gets none on the newest", () => {
    expect(warningsOf("loop: { runtime: nodejs24.x }").filter((line) => line.includes("nodejs"))).toEqual([]);
    expect(warningsOf("").filter((line) => line.includes("nodejs"))).toEqual([]);
  });
});
