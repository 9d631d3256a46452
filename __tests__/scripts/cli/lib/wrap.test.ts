import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wrapped } from "../../../../stacks/config/reading/wrap.ts";

describe("wrapped", () => {
  it("breaks at blanks, and below the indent of the line", () => {
    expect(wrapped("one two three four", 9)).toEqual(["one two", "three", "four"]);
    expect(wrapped("a b\n  indented line", 10)).toEqual(["a b", "  indented", "  line"]);
  });

  it("breaks nothing on a pipe", () => {
    const text = `${"word ".repeat(100)}end\n  next`;
    expect(wrapped(text)).toEqual(text.split("\n"));
  });

  it.each([
    ["Go on: fleet secret set ci-agents agent-token. Then wait.", "fleet secret set ci-agents agent-token."],
    ["Deploy it first (fleet deploy ci-agents-of-acme). Check AWS_PROFILE.", "(fleet deploy ci-agents-of-acme)."],
    [
      "Ask for more: aws service-quotas request --value 1.5 --region eu-west-1. Or not.",
      "aws service-quotas request --value 1.5 --region eu-west-1.",
    ],
    [
      "A key: openssl rand -hex 32 | npm run fleet -- secret set x y",
      "openssl rand -hex 32 | npm run fleet -- secret set x y",
    ],
    [
      "See https://docs.example.com/a/very/long/path/that/is/wide for more",
      "https://docs.example.com/a/very/long/path/that/is/wide",
    ],
  ])("keeps whole what people copy: %s", (text, whole) => {
    expect(wrapped(text, 20)).toContain(whole);
  });

  it("keeps examples whole, which begin below an indent", () => {
    const text = "Examples:\n  fleet init ci-agents --vendor hcp-terraform\n\nOther words that are long";
    expect(wrapped(text, 20)).toEqual([
      "Examples:",
      "  fleet init ci-agents --vendor hcp-terraform",
      "",
      "Other words that are",
      "long",
    ]);
  });

  it("breaks a text of another's, with a million blanks, in one go", () => {
    // By the square of the length it would take a quarter of an hour, and the test would run out of time.
    expect(wrapped(`a${" ".repeat(1_000_000)}fleet`, 80).at(-1)).toBe("fleet");
    expect(wrapped(`${" ".repeat(1_000_000)}fleet status`, 80).join("")).toContain("fleet status");
  });

  it("loses and adds nothing, and makes no line wider that could be narrower", () => {
    const word = fc.stringMatching(/^[a-z./:]{1,12}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 20, max: 100 }),
        (words, width) => {
          const lines = wrapped(words.join(" "), width);
          expect(lines.join(" ")).toBe(words.join(" "));
          if (!/: (?:npm run|npx|fleet|aws|terraform|tofu|openssl) /.test(words.join(" ")))
            for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
