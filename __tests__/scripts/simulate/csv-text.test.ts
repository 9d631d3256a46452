import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvCell, parseCsvText } from "../../../scripts/simulate/csv-text.ts";

describe("a cell of CSV", () => {
  it.each([
    ["plain", "plain"],
    ["a,b", '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ["two\nlines", '"two\nlines"'],
    ["=1+1", "'=1+1"],
    ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
    ["-5", "'-5"],
    ["+1", "'+1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["", ""],
  ])("%j is written as %j", (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it("never begins as a formula, and is read as what it was", () => {
    const texts = fc.string().map((text) => text.trim());
    const hostile = fc.tuple(fc.constantFrom("=", "+", "-", "@", "'", '"', "'="), texts).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(fc.oneof(texts, hostile), { minLength: 2, maxLength: 4 }), (cells) => {
        // A mark of one's own before a sign cannot be told from ours.
        fc.pre(cells.every((cell) => !/^'[=+\-@]/.test(cell)));
        const written = cells.map(csvCell);
        for (const cell of written) expect(cell.replace(/^"/, "")).not.toMatch(/^[=+\-@\t\r]/);
        expect(parseCsvText(written.join(","))).toEqual([{ number: 1, cells }]);
      }),
    );
  });
});

describe("the lines of CSV", () => {
  it("have their numbers, whatever stands in quotes, and blank ones are left out", () => {
    const text = '\ufeffa, b\r\n\r\n"x\ny" ,"1,2"\n  \n c,\n,"d"';
    expect(parseCsvText(text)).toEqual([
      { number: 1, cells: ["a", "b"] },
      { number: 3, cells: ["x\ny", "1,2"] },
      { number: 6, cells: ["c", ""] },
      { number: 7, cells: ["", "d"] },
    ]);
  });

  it("may end in CR alone, and cells may be longer than a pattern can match", () => {
    const long = "a,".repeat(10_000_000);
    expect(parseCsvText(`a,b\r"${long}",2\r`)).toEqual([
      { number: 1, cells: ["a", "b"] },
      { number: 2, cells: [long, "2"] },
    ]);
    expect(parseCsvText(`a\n"${long}`)).toEqual({ brokenLine: 2 });
  });

  it.each([
    ['a\n"open', 2],
    ['a\nb\n"x"y,1', 3],
  ])("with a broken quote name it: %j", (text, brokenLine) => {
    expect(parseCsvText(text)).toEqual({ brokenLine });
  });
});
