import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import { configsOf, kinds, vendors } from "../../scripts/generate/where-things-live.ts";
import { type Import, importsOfProject } from "../architecture/imports.ts";

const page = readFileSync("CONTRIBUTING.md", "utf8");
const imports = importsOfProject(process.cwd());

/** The paths of a list between two comments of the page. */
function listed(title: string): string[] {
  const [, list = ""] = page.split(`<!-- ${title}: __tests__/docs/contributing.test.ts -->`);
  return [...(list.split("<!-- end -->")[0] ?? "").matchAll(/^- `(.+)`$/gm)].map(([, path = ""]) => path).sort();
}

/** The files that import modules of at least so many of `groups`, and belong to none. */
function importersOf(least: number, groups: readonly ((path: string) => boolean)[]): string[] {
  // The simulator's worlds model some vendors. Others get theirs later, or never.
  const outsiders = imports.filter(
    ({ from }) => !from.startsWith("scripts/simulate/") && !groups.some((isIn) => isIn(from)),
  );
  return distinct(outsiders.map(({ from }) => from)).filter((file) => {
    const targets = outsiders.filter(({ from }) => from === file);
    return groups.filter((isIn) => targets.some(({ to }) => isIn(to))).length >= least;
  });
}

const distinct = (paths: readonly string[]) => [...new Set(paths)].sort();
const ofProduct = ({ from }: Import) => /^(stacks|handlers|scripts\/cli)\//.test(from);

const registries = {
  "registries of vendors": importersOf(
    2,
    vendors.map((id) => {
      const own = new RegExp(`^(handlers/lib/(settings/)?vendors|stacks/config/vendors|stacks/vendors)/${id}\\b`);
      return (path: string) => own.test(path);
    }),
  ),
  "registries of kinds": distinct([
    ...importersOf(
      kinds.length,
      kinds.map((kind) => (path: string) => path === `stacks/${kind}.ts`),
    ),
    ...importersOf(
      kinds.length,
      kinds.map((kind) => (path: string) => configsOf(kind).includes(path)),
    ),
  ]),
  "places of alarms": distinct(
    imports
      .filter(ofProduct)
      .filter(({ to }) => posix.basename(to) === "alarm.ts")
      .map(({ from }) => from)
      .filter((file) => /createAlarm\(/.test(readFileSync(file, "utf8"))),
  ),
  "registries of commands": distinct(
    imports.filter(({ to }) => to.startsWith("scripts/cli/commands/")).map(({ from }) => from),
  ),
};

describe("CONTRIBUTING.md", () => {
  it.each(Object.entries(registries))("lists the %s as they are", (title, files) => {
    expect(files.length).toBeGreaterThan(0);
    const hint = `correct the list in CONTRIBUTING.md between "<!-- ${title}: …" and "<!-- end -->"`;
    expect(listed(title), hint).toEqual(files);
  });

  it("names paths that there are", () => {
    const paths = [...page.matchAll(/`([\w.<>/-]+\/[\w.<>/-]*|[\w-]+\.(?:md|json|ts))`/g)].map(([, path = ""]) => path);
    const names = [...vendors, ...kinds];
    const isThere = (path: string) => names.some((name) => existsSync(path.replace(/<(id|kind)>/, name)));
    expect(paths.length).toBeGreaterThan(30);
    expect(
      paths.filter((path) => !isThere(path)),
      "correct these paths in CONTRIBUTING.md",
    ).toEqual([]);
  });

  it("names npm scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const named = [...page.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name);
    expect(
      named.filter((name) => !(name in scripts)),
      "correct these npm scripts in CONTRIBUTING.md",
    ).toEqual([]);
  });
});
