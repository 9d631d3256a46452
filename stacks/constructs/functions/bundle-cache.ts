import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bundles } from "./bundle.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** In `node_modules`, so that it is deleted together with the packages in the bundles. */
const cache = join(root, "node_modules/.cache/agent-fleets/handlers.json");

/** The sources of the bundles. npm's list of installed packages stands for the packages. */
const sources = [
  "handlers",
  "stacks/constructs/functions/bundle.ts",
  "stacks/config/lambda-runtime.ts",
  "tsconfig.json",
  "node_modules/.package-lock.json",
];

/**
 * The bundles of {@link bundleHandlers}, which takes a second. They are made again only if a source or a package
 * changed. If another tool than npm installed the packages, changes cannot be detected, so the bundles are made each
 * time.
 */
export async function cachedBundles(): Promise<Bundles> {
  const fingerprint = await fingerprintOf(sources.map((source) => join(root, source))).catch(() => undefined);
  // Only where they are made anew: esbuild takes time to load.
  const make = async () => (await import("./bundle.ts")).bundleHandlers();
  return fingerprint === undefined ? make() : keepLast(cache, fingerprint, make);
}

/** A hash of the paths and contents of files, and of all files in folders. Throws if one is missing. */
export async function fingerprintOf(paths: readonly string[]): Promise<string> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash("sha256");
  for (const [index, content] of contents.entries())
    hash.update(`${files[index]}\0${content.byteLength}\0`).update(content);
  return hash.digest("hex");
}

async function filesAt(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) => {
    if (error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * Resolves to the result of `make`. Reads it from the file if the file holds the result for the same fingerprint. The
 * file holds the last result only. If it is missing or broken, `make` runs again. Throws what `make` throws.
 */
export async function keepLast<Made>(file: string, fingerprint: string, make: () => Promise<Made>): Promise<Made> {
  const kept = await readFile(file, "utf8")
    .then(JSON.parse)
    .catch(() => undefined);
  if (kept?.fingerprint === fingerprint) return kept.made;
  const made = await make();
  // If the file cannot be written, `make` runs again next time.
  await write(file, JSON.stringify({ fingerprint, made })).catch(() => undefined);
  return made;
}

/** Writes the file at once, so that nobody reads half of it. */
async function write(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(draft, content);
  await rename(draft, file);
}
