import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { holdsCredentials } from "../primitives.ts";
import { type Explanation, isSecret } from "./explain.ts";
import type { Finding, Path, YamlTree } from "./yaml-tree.ts";

const longestValue = 60;
/** More lines than this would hide the first ones. */
const mostLines = 50;

/** Adds the place of each error and the value found there. */
export function toFinding(tree: YamlTree, { path, message, about }: Explanation): Finding {
  return about === "key"
    ? { path, message, offset: tree.keyOffsetOf(path) }
    : { path, message: `${message}, ${found(tree, path)}`, offset: tree.offsetOf(path) };
}

/**
 * `config/a.yaml:4:8: agents.max: must be …`, one line each, in the order of the file. At most 50 lines, and then one that
 * says how many are left out. A line holds no character that a terminal obeys or hides.
 */
export function report(file: string, tree: YamlTree, findings: readonly Finding[]): string[] {
  const sorted = [...findings].sort((a, b) => a.offset - b.offset);
  const lines = new Set<string>();
  // A line is written only if it is shown: a file may have hundreds of thousands of errors.
  for (const [index, finding] of sorted.entries()) {
    if (lines.size === mostLines) return [...lines, `${file}:1:1: and ${sorted.length - index} more`];
    lines.add(lineOf(file, tree, finding));
  }
  return [...lines];
}

function lineOf(file: string, tree: YamlTree, { path, message, offset }: Finding): string {
  const { line, col } = tree.position(offset);
  return visibleLine(`${file}:${line}:${col}: ${path.length > 0 ? `${inWords(path)}: ` : ""}${message}`);
}

function found(tree: YamlTree, path: Path): string {
  const node = tree.sourceOf(path);
  if (!node) return "but is missing";
  const { kind, source } = node;
  if (kind === "nothing") return "found nothing";
  if (kind === "mapping") return "found a mapping";
  if (kind === "list") return `found ${source === "0" ? "an empty list" : `a list of ${source}`}`;
  if (isSecret(path) || holdsCredentials(source)) return "found a value (not shown, it may be a secret)";
  if (kind === "value") return `found ${source}`;
  return `found ${JSON.stringify(source.length > longestValue ? `${source.slice(0, longestValue)}…` : source)}`;
}

/** `consumerRoles[0].name`. Keys that are not plain words are quoted; below secrets they are left out. */
function inWords(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      const name = String(step);
      if (path[0] === "secrets" && !/^[A-Za-z]{1,20}$/.test(name)) return ".…";
      if (!/^[\w-]+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}
