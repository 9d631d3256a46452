import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorOf } from "../../docs/.vitepress/anchors.ts";
import { pages, pagesAndDecisions, proseOf } from "./pages.ts";

const all = [...pagesAndDecisions, "CHANGELOG.md"];

/** A place that a text leads to: a path from the project's root, with or without an anchor. */
interface Link {
  readonly from: string;
  readonly path: string;
  readonly anchor?: string;
}

/** The links of a page to files of this repository. Code is no link. */
function linksOf(page: string): Link[] {
  const text = proseOf(page).replaceAll(/`[^`\n]*`/g, "code");
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, target = ""]) => {
    const [path = "", anchor] = target.split("#");
    return { from: page, path: path ? normalize(join(dirname(page), path)) : page, anchor };
  });
}

/** The anchors of a page. Headings of one name get numbers, in order. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading);
    let name = anchor;
    for (let count = 1; anchors.has(name); count++) name = `${anchor}-${count}`;
    anchors.add(name);
  }
  return anchors;
}

/** Where a link leads to nothing; undefined: it is right. */
function faultOf({ from, path, anchor }: Link): string | undefined {
  if (path.startsWith("..")) return `${from}: ${path} is outside of the repository`;
  if (!existsSync(path)) return `${from}: there is no ${path}`;
  if (anchor === undefined || !path.endsWith(".md")) return undefined;
  return anchorsOf(proseOf(path)).has(anchor) ? undefined : `${from}: ${path} has no heading #${anchor}`;
}

describe("links", () => {
  it.each(all)("of %s lead to files and headings that there are", (page) => {
    expect(linksOf(page).flatMap((link) => faultOf(link) ?? [])).toEqual([]);
  });

  it("are found", () => {
    expect(all.flatMap(linksOf).length).toBeGreaterThan(200);
  });

  it.each([
    [{ path: "docs/gone.md" }, "README.md: there is no docs/gone.md"],
    [{ path: "docs/runbook.md", anchor: "gone" }, "README.md: docs/runbook.md has no heading #gone"],
    [{ path: "../docs" }, "README.md: ../docs is outside of the repository"],
  ])("%j would be found", (link, fault) => {
    expect(faultOf({ from: "README.md", ...link })).toBe(fault);
  });

  it.each([
    ["The `a.b` key: what it *is*", "the-ab-key-what-it-is"],
    ["[Decision](x.md) 13 — why?", "decision-13--why"],
  ])("%j gets GitHub's anchor", (heading, anchor) => {
    expect(anchorOf(heading)).toBe(anchor);
  });

  it("lead to every page for users from README, in steps", () => {
    const reached = new Set<string>(["README.md"]);
    for (const page of reached) {
      if (!page.endsWith(".md")) continue;
      for (const { path } of linksOf(page)) if (existsSync(path) && statSync(path).isFile()) reached.add(path);
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

const texts = ["stacks", "handlers", "scripts", "agents"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => /\.(ts|sh|js|ya?ml)$/.test(path)),
);

describe("pages that errors, alarms and comments name", () => {
  const named = [...texts, ...readdirSync("config").map((file) => join("config", file))].flatMap((from) => {
    const text = readFileSync(from, "utf8");
    const links = [
      ...text.matchAll(/(?<![\w./-])((?:docs|agents)\/[\w./-]+\.md)(?:#([a-z][\w-]*)|, ([A-Z][^)"`:;$]*)\))?/g),
    ];
    return links.map(([, path = "", anchor, title]) => ({ from, path, anchor: title ? anchorOf(title) : anchor }));
  });

  it("are there, with the headings that they name", () => {
    expect(named.length).toBeGreaterThan(20);
    expect(named.flatMap((link) => faultOf(link) ?? [])).toEqual([]);
  });
});
