import { describe, expect, it } from "vitest";
import { isBelow, versionRange } from "../../../stacks/config/version-range.ts";

describe("the bounds of a version constraint", () => {
  it.each([
    ["6.25.0", [6, 25, 0], [6, 25, 1]],
    ["= 6.25", [6, 25, 0], [6, 25, 1]],
    [">= 5.100", [5, 100, 0], undefined],
    [">6.18.9", [6, 18, 10], undefined],
    ["< 7", undefined, [7, 0, 0]],
    ["<= 6.19.0", undefined, [6, 19, 1]],
    ["~> 6", [6, 0, 0], undefined],
    ["~> 6.25", [6, 25, 0], [7, 0, 0]],
    ["~> 6.25.1", [6, 25, 1], [6, 26, 0]],
    ["!= 6.20.0", undefined, undefined],
    [">= 5.9, >= 5.10, < 7, < 6.9, != 6.1.0", [5, 10, 0], [6, 9, 0]],
  ])("%s", (constraint, from, below) => {
    expect(versionRange(constraint)).toEqual({ from, below });
  });
});

it.each([
  [[6, 19, 0], [6, 19, 0], false],
  [[6, 9, 0], [6, 19, 0], true],
  [[6, 19, 0], [6, 9, 0], false],
  [[5, 100, 0], [6, 0, 0], true],
  [[6, 0, 1], [6, 0, 2], true],
] as const)("%j is below %j: %s", (version, other, expected) => {
  expect(isBelow(version, other)).toBe(expected);
});
