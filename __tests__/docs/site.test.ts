import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { menu } from "../../docs/.vitepress/config.ts";
import { pagesAndDecisions } from "./pages.ts";

const run = promisify(execFile);
const site = mkdtempSync(join(tmpdir(), "agent-fleets-docs-"));
afterAll(() => rmSync(site, { recursive: true, force: true }));

/** The build as `npm run docs:build` does it, into a folder of this test and below a path. */
const built = run(process.execPath, ["node_modules/vitepress/bin/vitepress.js", "build", "docs", "--outDir", site], {
  // Whatever asks a network would fail here.
  env: {
    PATH: process.env.PATH,
    DOCS_BASE: "/fleets/",
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
  },
}).then(
  () => "",
  (error: { readonly stdout?: string; readonly stderr?: string }) => `${error.stdout}${error.stderr}`,
);

const fileOf = (page: string) => page.replace(/(^|\/)README\.md$/, "$1index.md").replace(/\.md$/, ".html");
const files = () => readdirSync(site, { recursive: true, encoding: "utf8" });
const html = () => files().filter((name) => name.endsWith(".html"));

describe("the site", () => {
  it("is built, so no link of a page is dead", async () => {
    expect(await built).toBe("");
  });

  it("has every page for users and every decision", async () => {
    await built;
    const there = new Set(html());
    expect([...pagesAndDecisions, "CHANGELOG.md"].map(fileOf).filter((name) => !there.has(name))).toEqual([]);
  });

  it("has no page but these", async () => {
    await built;
    const pages = new Set(["404.html", ...[...pagesAndDecisions, "CHANGELOG.md"].map(fileOf)]);
    expect(html().filter((name) => !pages.has(name))).toEqual([]);
  });

  it("leads by its menus to pages that there are, and to each page of docs/", async () => {
    await built;
    const targets = menu.map((link) => `${link.slice(1)}${link.endsWith("/") ? "index" : ""}.html`);
    expect(targets.filter((name) => !existsSync(join(site, name)))).toEqual([]);
    const docs = pagesAndDecisions.filter((page) => /^docs\/[^/]+\.md$/.test(page)).map(fileOf);
    expect(
      docs.filter((name) => !targets.includes(name)),
      "add these to docs/.vitepress/config.ts",
    ).toEqual([]);
  });

  it("brings the files that its pages link to, and stays below its path", async () => {
    await built;
    const links = html().flatMap((name) =>
      [...readFileSync(join(site, name), "utf8").matchAll(/(?:href|src)="(\/[^"#?]*)/g)].map(([, path = ""]) => path),
    );
    const distinct = [...new Set(links)];
    expect(distinct.length).toBeGreaterThan(100);
    expect(distinct.filter((path) => !path.startsWith("/fleets/"))).toEqual([]);
    const names = distinct.map((path) => decodeURI(path.replace("/fleets/", "")));
    expect(
      names.filter((name) => !existsSync(join(site, name === "" || name.endsWith("/") ? `${name}index.html` : name))),
    ).toEqual([]);
  });

  it("asks no other host for fonts, scripts or pictures", async () => {
    await built;
    const foreign = files()
      .filter((name) => /\.(html|css)$/.test(name))
      .filter((name) =>
        /<(?:script|img|link)[^>]+(?:src|href)="https?:|url\(["']?https?:|@import/.test(
          readFileSync(join(site, name), "utf8"),
        ),
      );
    expect(foreign).toEqual([]);
  });

  it("has a search of its own", async () => {
    await built;
    expect(files().some((name) => /localSearchIndex/.test(name))).toBe(true);
  });
});
