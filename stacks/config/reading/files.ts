import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";

import { visibleLine } from "../../../handlers/lib/core/visible.ts";

const defaultFolder = "config";
const variable = "AGENT_FLEETS_CONFIG";
const extensions = [".yaml", ".yml"];
const maxBytes = 256 * 1024;

/** A config file: its name without extension is the stack's name. */
export interface ConfigFile {
  readonly stack: string;
  /** Relative to the working directory, as messages show it. */
  readonly file: string;
  readonly path: string;
}

/** Where to look for config files. */
export interface ConfigSource {
  /** Reads `AGENT_FLEETS_CONFIG`: a file or a folder; empty or unset: `config/`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The start of relative paths. */
  readonly cwd: string;
}

/** What {@link listConfigFiles} finds. */
export interface ConfigFiles {
  /** The chosen files, by name. */
  readonly files: readonly ConfigFile[];
  /** Names of all stacks whose files are in the same folder. They are more than `files` if one file is chosen. */
  readonly neighbours: readonly string[];
}

/** The config files, or the reason why none was found. */
export function listConfigFiles({ env, cwd }: ConfigSource): ConfigFiles | { readonly error: string } {
  const chosen = env[variable] || defaultFolder;
  const path = resolve(cwd, chosen);
  const shown = shorten(cwd, path);
  const by = env[variable] ? `${variable} names ${shown}, which` : `${shown}, the default folder for configs,`;
  const toFile = (each: string): ConfigFile => ({
    stack: basename(each, extname(each)),
    file: shorten(cwd, each),
    path: each,
  });
  const filesIn = (folder: string) =>
    readdirSync(folder, { withFileTypes: true })
      .filter(isConfig)
      .map(({ name }) => toFile(join(folder, name)))
      .sort((a, b) => (a.file < b.file ? -1 : 1));
  const namesOf = (files: readonly ConfigFile[]) => files.map(({ stack }) => stack);
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) {
      const files = filesIn(path);
      if (files.length === 0) return { error: `${by} holds no .yaml or .yml file` };
      return { files, neighbours: namesOf(files) };
    }
    if (!stats.isFile()) return { error: `${by} is neither a file nor a folder` };
    if (!extensions.includes(extname(path))) return { error: `${by} must end in .yaml or .yml` };
    return { files: [toFile(path)], neighbours: namesOf(filesIn(dirname(path))) };
  } catch (error) {
    const reason = reasonOf(error);
    const remedy =
      !env[variable] && reason === reasons.ENOENT ? `: run this in the project's folder, or set ${variable}` : "";
    return { error: `${by} ${reason}${remedy}` };
  }
}

/** The text of a config file without a byte order mark, or the reason why it cannot be read. */
export function readConfigFile(path: string): { text: string } | { error: string } {
  let file: number | undefined;
  try {
    // Opening a pipe to which nobody writes would wait for ever without this flag.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(file);
    if (!stats.isFile()) return { error: stats.isDirectory() ? reasons.EISDIR : notRegular };
    const bytes = readUpTo(file, maxBytes + 1);
    if (bytes.length > maxBytes) return { error: `has more than ${maxBytes} bytes, the most that a config may have` };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { error: error instanceof TypeError ? "is not UTF-8 text" : reasonOf(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The beginning of a file. Its size is not asked for: a file in /proc has none, and a log grows. */
function readUpTo(file: number, most: number): Uint8Array {
  const bytes = new Uint8Array(most);
  let length = 0;
  for (let read = 1; read > 0 && length < most; length += read)
    read = readSync(file, bytes, length, most - length, null);
  return bytes.subarray(0, length);
}

function isConfig(entry: Dirent): boolean {
  return extensions.includes(extname(entry.name)) && !entry.name.startsWith(".") && !entry.isDirectory();
}

function shorten(cwd: string, path: string): string {
  return visibleLine(relative(cwd, path) || ".");
}

const notRegular = "is not a regular file, such as a pipe or a device";

const reasons = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "cannot be read by this user",
  EPERM: "cannot be read by this user",
  EISDIR: "is a folder",
  ENXIO: notRegular,
  ELOOP: "is a link to itself",
};

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return Object.hasOwn(reasons, code) ? reasons[code as keyof typeof reasons] : `cannot be read (${code})`;
}
