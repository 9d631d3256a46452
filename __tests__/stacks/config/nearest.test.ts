import { describe, expect, it } from "vitest";
import { nearest } from "../../../stacks/config/reading/nearest.ts";

const known = ["organization", "agentPool", "memoryMiB", "idleTimeoutSeconds", "max", "min", "cpu"];

describe("the nearest known word", () => {
  it.each([
    ["organisation", "organization"],
    ["agentPol", "agentPool"],
    ["agent_pool", "agentPool"],
    ["AgentPool", "agentPool"],
    ["agent-pools", "agentPool"],
    ["memoryMB", "memoryMiB"],
    ["memory", "memoryMiB"],
    ["idleTimeout", "idleTimeoutSeconds"],
    ["maxx", "max"],
    ["mx", "max"],
    ["maximum", "max"],
  ])("of %s is %s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  it.each(["", "colour", "zz", "canary-token-value", "x".repeat(10_000)])("of %s is none", (word) => {
    expect(nearest(word, known)).toBeUndefined();
  });

  it("of nothing known is none", () => {
    expect(nearest("a", [])).toBeUndefined();
  });
});
