import { describe, expect, it } from "vitest";
import { parseIgnoreFile } from "../../../../stacks/config/uploads/ignore-rules.ts";

/** Whether a file with this one line leaves a path out. */
function fits(line: string, path: string, anchored = false): boolean {
  return parseIgnoreFile(line, { anchored }).some(({ pattern }) => pattern.test(path));
}

describe("a line of an ignore file", () => {
  it.each([
    ["*.log", "a.log"],
    ["*.log", "deep/er/a.log"],
    ["/build", "build"],
    ["docs/*.md", "docs/a.md"],
    ["**/cache", "cache"],
    ["**/cache", "a/b/cache"],
    ["a/**", "a/b/c"],
    ["a/**/z", "a/z"],
    ["a/**/z", "a/b/c/z"],
    ["file?.txt", "file1.txt"],
    ["[a-c].txt", "b.txt"],
    ["[!a-c].txt", "d.txt"],
    ["\\!important", "!important"],
    ["\\#hash", "#hash"],
    ["a.b+c(d)", "a.b+c(d)"],
    ["name  ", "name"],
    ["build/", "build"],
    ["\uFEFF*.pem", "a.pem"],
    ["v[[:digit:]].txt", "v1.txt"],
    ["v[![:alpha:]_].txt", "v1.txt"],
    ["[]-]x", "]x"],
    ["[]-]x", "-x"],
    ["[\\]a]x", "]x"],
    ["[\\d]x", "dx"],
    ["[a^]x", "^x"],
    ["[[]x", "[x"],
    // Nobody can say what these are for: rather too little is uploaded.
    ["secret[z-a].txt", "secret1.txt"],
    ["secret[[:nobody:]].txt", "secret1.txt"],
    ["secret[![:nobody:]].txt", "secret1.txt"],
  ])("%j fits %s", (line, path) => {
    expect(fits(line, path)).toBe(true);
  });

  it.each([
    ["*.log", "a.logs"],
    ["/build", "deep/build"],
    ["docs/*.md", "docs/deep/a.md"],
    ["docs/*.md", "other/docs/a.md"],
    ["a/**", "a"],
    ["file?.txt", "file/.txt"],
    ["[!a-c].txt", "b.txt"],
    ["a.b", "axb"],
    ["# comment", "# comment"],
    ["!secret[z-a].txt", "secret1.txt"],
    ["v[[:digit:]].txt", "va.txt"],
    ["[\\d]x", "1x"],
    ["a[!b]c", "a/c"],
    ["", ""],
  ])("%j does not fit %s", (line, path) => {
    expect(fits(line, path)).toBe(false);
  });

  it("of Docker starts at the folder of the file", () => {
    expect(fits("*.log", "deep/a.log", true)).toBe(false);
    expect(fits("*.log", "a.log", true)).toBe(true);
  });
});
