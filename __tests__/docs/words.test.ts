import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pagesAndDecisions, proseOf } from "./pages.ts";

/** Words that only those who built this know, and what a page may say in their place. */
const inside: readonly (readonly [word: RegExp, instead: string])[] = [
  [
    /\bseed's\b|\b(the|this|each|per) seed (does|did|is|was|has|says|for|of)\b/i,
    "the system that a page is about, by its name",
  ],
  [/\bseeds\//i, "a source that readers can open"],
  [/\bthe user (fixed|wrote)\b/i, "who decided, or nobody"],
  [/\bthe house('s)?\b/i, "this project"],
  [/\b(DESIGN|STATE|BRIEF)\.md\b/, "a page that is in the repository"],
  [/\bfacts\/\w/i, "a source that readers can open"],
  [/\b(the|this) (lead|worktree)\b/i, "who acts, in the reader's words"],
  [/(?<!, )\bissue \d+\b/i, "the reason itself"],
  [/^(<{7}|={7}|>{7})( |$)/, "the text that both sides of the merge mean"],
  [/\/work\/\w/, "a path that readers have"],
];

const texts = [...pagesAndDecisions, "CHANGELOG.md", ...readdirSync("config").map((file) => join("config", file))];

/** What users see of the code, and what contributors read in it. Tests quote what they look for. */
const sources = ["handlers", "stacks", "scripts", "agents"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|js|sh|md|ya?ml)$/.test(path))
    .map((path) => join(folder, path)),
);

/** The lines of a text with a word of the list. */
function faultsOf(name: string, text: string): string[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      inside.flatMap(([word, instead]) =>
        word.test(line) ? `${name}:${index + 1}: ${line.trim()} (write ${instead})` : [],
      ),
    );
}

describe("words that a stranger cannot know", () => {
  it.each(texts)("are not in %s", (name) => {
    expect(faultsOf(name, readFileSync(name, "utf8"))).toEqual([]);
  });

  it("are not in the code", () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(sources.flatMap((name) => faultsOf(name, readFileSync(name, "utf8")))).toEqual([]);
  });

  it.each([
    "as the seed does",
    "The user fixed zod",
    "see DESIGN.md",
    "told by the lead",
    "issue 16 asks for it",
    "in /work/x",
  ])("%j would be found", (line) => {
    expect(faultsOf("a", line)).toHaveLength(1);
  });

  it.each(["the same `--seed` gives the same run", "a session token", "the session manager"])("%j is fine", (line) => {
    expect(faultsOf("a", line)).toEqual([]);
  });
});

/**
 * Placeholders in a sentence: outside of code, a browser takes `<name>` for HTML and shows nothing. So does the site at
 * the start of a line, even in code.
 */
function hiddenIn(text: string): string[] {
  const sentences = proseOf("", text)
    .replaceAll(/`[^`]*`/g, "")
    .replaceAll(/<!--[\s\S]*?-->/g, "");
  const atStart = proseOf("", text).match(/^ *<(?!!--|picture|source|img|\/)[a-z].*/gm) ?? [];
  return [
    ...atStart,
    ...(sentences.match(/(?<!\\)<(?!https?:|\/?(picture|source|img|p|br)\b)[a-z/][^>\n]*>|\{\{/gi) ?? []),
  ];
}

describe("placeholders in sentences", () => {
  it.each(texts.filter((name) => name.endsWith(".md")))("are code in %s", (name) => {
    expect(hiddenIn(readFileSync(name, "utf8"))).toEqual([]);
  });

  it("would be found", () => {
    expect(hiddenIn("Release <version> and `<this>`, \\<that>, <https://example.com>")).toEqual(["<version>"]);
  });
});
