import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { iamName } from "../../stacks/constructs/global-name.ts";
import { resources, type Synthesized, synthesize } from "./synth.ts";

/**
 * Types whose names are unique in an account, not in a region, and the argument with the name. "Names of users, groups,
 * roles, and instance profiles must be unique within the account" (IAM User Guide, "IAM and AWS STS quotas"). "All
 * dashboards in your account are global" (CloudWatch API Reference, PutDashboard). Buckets are unique in a partition.
 */
const globalTypes = {
  aws_iam_role: "name",
  aws_iam_instance_profile: "name",
  aws_iam_policy: "name",
  aws_cloudwatch_dashboard: "dashboard_name",
  aws_s3_bucket: "bucket",
} as const;

const globalNames = (stack: Synthesized) =>
  Object.entries(globalTypes).flatMap(([type, argument]) =>
    resources(stack, type).flatMap((each) => (each[argument] === undefined ? [] : [`${type} ${each[argument]}`])),
  );

const files = readdirSync("config").filter((file) => file.endsWith(".yaml"));

const known = new Map<string, Synthesized>();

/** The stack of a shipped config, with every mention of its region replaced. */
function inRegion(file: string, region: string): Synthesized {
  const written = readFileSync(`config/${file}`, "utf8");
  const text = written.replaceAll(parse(written).region, region);
  const stack = known.get(text) ?? synthesize(parse(text), file.replace(".yaml", ""));
  known.set(text, stack);
  return stack;
}

describe("two stacks of one name in two regions of an account", () => {
  it.each(files)("%s shares no global name with itself in another region", (file) => {
    const here = globalNames(inRegion(file, "us-east-1"));
    const there = globalNames(inRegion(file, "eu-west-1"));
    expect(there).toHaveLength(here.length);
    expect(there.filter((name) => here.includes(name))).toEqual([]);
  });

  it("gives them names that a person can tell apart", () => {
    const names = (region: string) => globalNames(inRegion("hcp-minimal.yaml", region));
    expect(names("eu-west-1")).toContain("aws_iam_role hcp-minimal-autoscale-role-eu-west-1");
    expect(names("eu-west-1")).toContain("aws_cloudwatch_dashboard hcp-minimal-eu-west-1");
  });
});

describe("deployed stacks", () => {
  it.each(files)("%s keeps the global names that it has: a new name would replace the role of running jobs", (file) => {
    const stack = inRegion(file, "us-east-1");
    for (const [type, argument] of Object.entries(globalTypes)) {
      for (const resource of resources(stack, type).filter((each) => each[argument] !== undefined)) {
        const { ignore_changes: kept } = resource.lifecycle as { readonly ignore_changes?: readonly string[] };
        expect(kept, `${type} ${resource[argument]}`).toContain(argument);
      }
    }
  });

  it.each(files)("%s refers to its roles and profiles as Terraform knows them, never by a text", (file) => {
    const stack = inRegion(file, "us-east-1");
    const { aws_iam_role: roles = {}, aws_iam_instance_profile: profiles = {}, ...others } = stack.resource;
    const text = JSON.stringify({ ...others, output: stack.output });
    const names = [...Object.values(roles), ...Object.values(profiles)].map(({ name }) => String(name));
    expect(names.filter((name) => text.includes(name))).toEqual([]);
  });
});

describe("the name of a role", () => {
  const longest = { name: "a".repeat(40), region: "ap-northeast-1" };

  it("has at most 64 characters and stays unique", () => {
    const ids = ["autoscale-role", `${"s".repeat(18)}-exec`, `${"s".repeat(18)}-task`];
    const names = ids.flatMap((id) => [longest, { ...longest, region: "ap-northeast-2" }].map((of) => iamName(of, id)));
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThanOrEqual(64);
    expect(new Set(names).size).toBe(names.length);
  });
});
