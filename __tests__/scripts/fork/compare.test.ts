import { describe, expect, it } from "vitest";
import { addressesOf, differences } from "../../../scripts/fork/compare.ts";

const stack = (changes: object = {}) => ({
  "//": { metadata: { version: "0.21.0", stackName: "ci" } },
  terraform: { required_providers: { aws: { source: "aws", version: "6.25.0" } }, required_version: ">= 1.11.0" },
  resource: { aws_iam_role: { loop: { name: "ci-loop", tags: ["a", "b"], path: null } } },
  data: { aws_region: { here: {} } },
  ...changes,
});

describe("the comparison of two synthesized stacks", () => {
  it("overlooks versions and sources that are the fork's own", () => {
    const theirs = stack({
      "//": { metadata: { version: "0.24.0", stackName: "ci" } },
      terraform: {
        required_providers: { aws: { source: "hashicorp/aws", version: "6.66.0" } },
        required_version: ">= 1.11.0",
      },
    });
    expect(differences(stack(), theirs)).toEqual([]);
  });

  it.each([
    [{ data: {} }, ['/data/aws_region: {"here":{}} and nothing']],
    [
      { resource: { aws_iam_role: { loop_1: { name: "ci-loop", tags: ["a", "b"], path: null } } } },
      [
        expect.stringMatching(/^\/resource\/aws_iam_role\/loop: .* and nothing$/),
        expect.stringMatching(/loop_1: nothing/),
      ],
    ],
    [
      { resource: { aws_iam_role: { loop: { name: "ci-loop", tags: ["a"], path: "/" } } } },
      ['/resource/aws_iam_role/loop/tags/1: "b" and nothing', '/resource/aws_iam_role/loop/path: null and "/"'],
    ],
    [
      { terraform: { required_providers: {}, required_version: ">= 1.5" } },
      [
        expect.stringContaining("/terraform/required_providers/aws: "),
        '/terraform/required_version: ">= 1.11.0" and ">= 1.5"',
      ],
    ],
    [{ resource: [] }, [expect.stringMatching(/^\/resource: .* and \[\]$/)]],
  ])("shows everything else: %j", (changes, expected) => {
    expect(differences(stack(), stack(changes))).toEqual(expected);
  });
});

it("the addresses of a stack are those of its resources and data sources", () => {
  expect(addressesOf(stack())).toEqual(["aws_iam_role.loop", "data.aws_region.here"]);
  expect(addressesOf({})).toEqual([]);
});
