import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { type IgnoreRule, ignoreFiles, parseIgnoreFile } from "./ignore-rules.ts";

/** A folder's files, sorted for an upload. Paths are relative to the folder, with slashes, in the order of names. */
export interface Upload {
  readonly files: readonly string[];
  /** What is kept here: secrets, Terraform's own files, and what an ignore file names. Folders end with a slash. */
  readonly leftOut: readonly string[];
  /** Links, which may lead anywhere, and what is no file at all. */
  readonly odd: readonly string[];
}

/** Folders by the same rules as files, and those of tools that keep secrets. */
const secretFolders = /^\.(terraform|git|aws|ssh|env.*)$/;

/**
 * Names of files that hold secrets: variables, state, plans, crash logs, keys, credentials of tools. Copies that editors
 * and people leave beside them (`x.tfvars~`, `.x.tfvars.swp`, `#.env#`, `terraform.tfstate.1.backup`) hold the same.
 */
const secretNames = [
  /^[.#]*\.env|\.env(?![a-z])/,
  /\.tfvars(?![a-z])/,
  /\.tfstate(?![a-z])/,
  /\.tfplan(?![a-z])|^tfplan(?![a-z])/,
  /^[.#]*crash(\..*)?\.log(?![a-z])/,
  /\.(key|p12|pfx|ppk|jks)$|^id_(rsa|dsa|ecdsa|ed25519)$/,
  /^(\.git|\.netrc|\.git-credentials|\.terraformrc|terraform\.rc|credentials\.tfrc\.json)$/,
];

interface Rules {
  readonly folder: string;
  readonly rules: readonly IgnoreRule[];
}

/**
 * What of a folder may be uploaded.
 *
 * @param root an outer folder; the ignore files from there on count. Default: the folder itself
 */
export function filesToUpload(folder: string, root = folder): Upload {
  const found = { files: [] as string[], leftOut: [] as string[], odd: [] as string[] };
  const outer = foldersBetween(root, folder).map(rulesIn);
  walk(folder, outer);
  return { files: found.files.sort(), leftOut: found.leftOut.sort(), odd: found.odd.sort() };

  function walk(at: string, above: readonly Rules[]): void {
    const rules = [...above, rulesIn(at)];
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      const isFolder = entry.isDirectory();
      const shown = relative(folder, path).replaceAll(sep, "/") + (isFolder ? "/" : "");
      const name = entry.name.toLowerCase();
      if (isFolder ? secretFolders.test(name) : secretNames.some((pattern) => pattern.test(name))) {
        found.leftOut.push(shown);
      } else if (isIgnored(path, isFolder, rules)) found.leftOut.push(shown);
      else if (isFolder) walk(path, rules);
      else if (!entry.isFile()) found.odd.push(shown);
      else (holdsSecret(readFileSync(path)) ? found.leftOut : found.files).push(shown);
    }
  }
}

/** From the outer folder down to the one above the inner. */
function foldersBetween(outer: string, inner: string): string[] {
  const steps = relative(outer, inner);
  if (steps === "" || steps.startsWith("..")) return [];
  const above = dirname(inner);
  return [...foldersBetween(outer, above), above];
}

function rulesIn(folder: string): Rules {
  const rules = [...ignoreFiles].flatMap(([name, options]) => {
    const text = textOf(join(folder, name));
    return text === undefined ? [] : parseIgnoreFile(text, options);
  });
  return { folder, rules };
}

/** `undefined` for a file that is not there. Throws for one that cannot be read: what it names must not be uploaded. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}

/** As in git, the last rule that fits decides. */
function isIgnored(path: string, isFolder: boolean, all: readonly Rules[]): boolean {
  const last = all
    .flatMap(({ folder, rules }) => {
      const below = relative(folder, path).replaceAll(sep, "/");
      return rules.filter(({ pattern, foldersOnly }) => (isFolder || !foldersOnly) && pattern.test(below));
    })
    .at(-1);
  return last !== undefined && !last.keep;
}

/**
 * A private key; a plan of Terraform, which is a zip that begins with a file of this name; or the JSON of a state or plan,
 * whatever its name. https://developer.hashicorp.com/terraform/internals/json-format
 */
function holdsSecret(content: Buffer): boolean {
  const text = content.toString("latin1");
  if (/^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*$/m.test(text)) return true;
  if (text.startsWith("PK\x03\x04")) return /^(tfplan|tfstate)/.test(text.slice(30, 40));
  return (
    /^\s*\{/.test(text) && /"terraform_version"\s*:/.test(text) && /"(lineage|planned_values|values)"\s*:/.test(text)
  );
}
