import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible, visibleLine } from "../../../../handlers/lib/core/visible.ts";

describe("visible text", () => {
  it("writes out what a terminal obeys or hides", () => {
    expect(visible("a\u001b[2Jb\u009bc\u202ed\u200be\ufefff")).toBe("a\\u001b[2Jb\\u009bc\\u202ed\\u200be\\ufefff");
  });

  it("keeps tabs, line feeds and every script", () => {
    expect(visible("a\tb\nç 日本 🙂")).toBe("a\tb\nç 日本 🙂");
  });

  it("in one line has neither tabs nor line feeds", () => {
    expect(visibleLine("a\tb\nc")).toBe("a\\u0009b\\u000ac");
  });

  it("of JSON is the same JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = JSON.stringify({ text });
        expect(JSON.parse(visible(json))).toEqual(JSON.parse(json));
        expect(visibleLine(json)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});
