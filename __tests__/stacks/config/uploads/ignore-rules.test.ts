import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
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
    ["****/a", "a"],
    ["a/***/b", "a/b"],
    ["a/***", "a/b/c"],
    ["a**/b", "a1/b"],
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
    ["a**/b", "a/1/b"],
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

const git = spawnSync("git", ["--version"]).status === 0;
if (!git) process.stderr.write("SKIPPED: git is not on PATH, so ignore rules are not compared with its own\n");

describe.skipIf(!git)("beside git", () => {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const run = (args: readonly string[], input = "") =>
    spawnSync("git", ["-C", folder, ...args], { encoding: "utf8", env, input }).stdout;
  const paths = "a b 1 ab a/b a/b/1 b/a a1 ba .a -a a] ^ a/1/b [a !a a{b a\\b".split(" ");

  const ignoredByGit = () =>
    run(["check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"], paths.join("\0"))
      .split("\0")
      .flatMap((field, index, fields) =>
        index % 4 === 2 && field !== "" && !field.startsWith("!") ? fields[index + 1] : [],
      );

  it("leaves out all that git ignores by one line", () => {
    run(["init", "--quiet"]);
    writeFileSync(join(folder, ".gitignore"), "b\n");
    expect(ignoredByGit()).toEqual(["b", "a/b", "a/b/1", "b/a", "a/1/b"]);
    const parts = "a b 1 * ** ? [ ] / ! \\ - ^ . [:digit:] [:odd:] [a-b] { (".split(" ").concat(" ");
    const line = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 6 }).map((all) => all.join(""));
    fc.assert(
      fc.property(line, (text) => {
        writeFileSync(join(folder, ".gitignore"), `${text}\n`);
        const rules = parseIgnoreFile(text, { anchored: false });
        const isLeftOut = (path: string) =>
          path.split("/").some((_, step, steps) => {
            const [at, isFolder] = [steps.slice(0, step + 1).join("/"), step + 1 < steps.length];
            const last = rules
              .filter(({ pattern, foldersOnly }) => (isFolder || !foldersOnly) && pattern.test(at))
              .at(-1);
            return last !== undefined && !last.keep;
          });
        expect(ignoredByGit().filter((path) => !isLeftOut(path ?? ""))).toEqual([]);
      }),
      { numRuns: 150, examples: [["[z-a]"], ["a*"], ["/b/"], ["****/a"], ["a/***"]] },
    );
  });
});
