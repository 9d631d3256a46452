import { describe, expect, it } from "vitest";
import { load } from "./files.ts";

const fleet = (vendor: string, compute = "") =>
  `kind: ec2-fleet\nregion: us-west-2\nvendor: { type: semaphore, organization: acme${vendor} }\n${compute}`;

describe("§2.5: a cache bucket of several fleets", () => {
  const warningsOf = (files: Readonly<Record<string, string>>) =>
    load(files).warnings.filter((line) => line.includes("cacheBucket"));

  it("gets a warning in each of them: jobs of one can change what jobs of another run", () => {
    const warnings = warningsOf({
      "config/fleet-a.yaml": fleet(", cacheBucket: shared"),
      "config/fleet-b.yaml": fleet(", cacheBucket: shared"),
      "config/fleet-c.yaml": fleet(", cacheBucket: another"),
    });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^config\/fleet-a\.yaml:3:\d+: vendor\.cacheBucket: is also the cache of fleet-b: jobs of one fleet can /,
      ),
      expect.stringMatching(
        /^config\/fleet-b\.yaml:3:\d+: vendor\.cacheBucket: is also the cache of fleet-a: jobs of one fleet can /,
      ),
    ]);
    expect(warnings[0]).toContain("one bucket per trust boundary");
  });

  it("gets none where each has its own, or none", () => {
    expect(
      warningsOf({
        "config/fleet-a.yaml": fleet(", cacheBucket: one"),
        "config/fleet-b.yaml": fleet(", cacheBucket: two"),
      }),
    ).toEqual([]);
    expect(warningsOf({ "config/fleet-a.yaml": fleet(""), "config/fleet-b.yaml": fleet("") })).toEqual([]);
  });
});

describe("§2.5: rights that no job can use", () => {
  const warningsOf = (text: string) =>
    load({ "config/fleet-a.yaml": text }).warnings.filter((line) => line.includes("jobsUseInstanceRole"));
  const rights = "compute: { instanceRole: { extraPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] } }\n";

  it("get a warning", () => {
    expect(warningsOf(fleet(", jobsUseInstanceRole: false", rights))).toEqual([
      expect.stringContaining(
        "is false: jobs on the instance itself get none of the rights that compute.instanceRole adds",
      ),
    ]);
  });

  it.each([
    ["", rights],
    [", jobsUseInstanceRole: true", rights],
    [", jobsUseInstanceRole: false", ""],
    [", jobsUseInstanceRole: false", "compute: { instanceRole: { name: ci } }\n"],
  ])("get none with %j and %j", (vendor, compute) => {
    expect(warningsOf(fleet(vendor, compute))).toEqual([]);
  });
});
