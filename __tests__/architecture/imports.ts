import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** One import: which file wants what. Paths are relative to the project, packages are named. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every static and dynamic import of the product's TypeScript, type-only ones too. */
export function importsOfProject(root: string): Import[] {
  const files = ["main.ts", ...["stacks", "handlers", "scripts"].flatMap((folder) => typescriptIn(root, folder))];
  return files.flatMap((file) => importsOf(file, readFileSync(join(root, file), "utf8")));
}

/** The imports of one file's text. */
export function importsOf(from: string, text: string): Import[] {
  const statements =
    /^\s*(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;
  return [...text.matchAll(statements)].map(([, statement, dynamic]) => {
    const specifier = statement ?? dynamic ?? "";
    return { from, to: specifier.startsWith(".") ? posix.join(dirname(from), specifier) : packageOf(specifier) };
  });
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return "node";
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function typescriptIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => posix.join(folder, file.replaceAll("\\", "/")));
}

/** Who may import what. The first rule whose `from` fits a file decides; nothing else is allowed. */
export interface Rule {
  readonly from: RegExp;
  /** `own`: whatever begins with what `from` found in the file's path, which is its folder where `from` names one. */
  readonly may: readonly (RegExp | "own")[];
}

/** The imports that no rule allows, as `from → to`. */
export function violations(imports: readonly Import[], rules: readonly Rule[]): string[] {
  return imports.filter((each) => !allows(rules, each)).map(({ from, to }) => `${from} → ${to}`);
}

function allows(rules: readonly Rule[], { from, to }: Import): boolean {
  const rule = rules.find((each) => each.from.test(from));
  const own = rule?.from.exec(from)?.[0] ?? from;
  return rule?.may.some((allowed) => (allowed === "own" ? to.startsWith(own) : allowed.test(to))) ?? false;
}

/** The groups of files that import one another in a circle, each sorted by name. */
export function circles(imports: readonly Import[]): string[][] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) targets.set(from, [...(targets.get(from) ?? []), to]);
  const reachable = new Map([...targets.keys()].map((file) => [file, reachableFrom(file, targets)]));
  const groups = new Set<string>();
  for (const [file, reached] of reachable) {
    if (!reached.has(file)) continue;
    groups.add(
      [...reached]
        .filter((other) => reachable.get(other)?.has(file))
        .sort()
        .join("\n"),
    );
  }
  return [...groups].map((group) => group.split("\n"));
}

function reachableFrom(file: string, targets: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set<string>();
  const open = [...(targets.get(file) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(targets.get(next) ?? []));
  }
  return reached;
}
