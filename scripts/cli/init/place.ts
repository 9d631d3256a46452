import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const schemaFile = join(project, "config/schema.json");
const copyName = "agent-fleets.schema.json";
const variable = "AGENT_FLEETS_CONFIG";
const extensions = [".yaml", ".yml"];

/** Where the config of a new stack belongs. */
export interface Place {
  readonly folder: string;
  /** The file's path, absolute. */
  readonly file: string;
  /** What commands need in `AGENT_FLEETS_CONFIG` to find the file; `undefined`: nothing else than now. */
  readonly setting: string | undefined;
}

/**
 * The place of a stack's config, whose name may still be missing: in `--folder`, else where the commands look for configs.
 *
 * @throws UserError if there is a config of this name, unless it may be replaced
 */
export function placeOf({ env, cwd }: Context, stack: string, folder: string | undefined, replace: boolean): Place {
  const usual = resolve(cwd, env[variable] || "config");
  const isFile = extensions.includes(extname(usual)) && !(existsSync(usual) && statSync(usual).isDirectory());
  if (stack !== "" && folder === undefined && isFile && basename(usual, extname(usual)) !== stack) {
    throw new UserError(
      `${variable} names the file ${basename(usual)}, which is the config of another stack than ${stack}.`,
      `Add --folder, or unset ${variable}.`,
    );
  }
  const chosen = folder === undefined ? (isFile ? dirname(usual) : usual) : resolve(cwd, folder);
  const file = folder === undefined && isFile ? usual : join(chosen, `${stack}.yaml`);
  const there = extensions.map((extension) => join(chosen, stack + extension)).filter((path) => existsSync(path));
  const other = there.find((path) => path !== file);
  if (other) throw alreadyThere(relative(cwd, other), "Choose another name for the stack, or remove that file.");
  if (there.length > 0 && !replace) {
    throw alreadyThere(relative(cwd, file), "Choose another name for the stack, or add --force to replace the file.");
  }
  const found = chosen === usual || file === usual;
  return { folder: chosen, file, setting: found ? undefined : relative(cwd, chosen) || "." };
}

/** Whether the folder of a place holds the config of a stack. */
export function isIn({ folder }: Place, stack: string): boolean {
  return extensions.some((extension) => existsSync(join(folder, stack + extension)));
}

/**
 * Writes a config, lets `check` read it, and takes it back if that throws.
 *
 * @param replace whether a file that is there may go
 */
export function writeChecked<T>({ folder, file }: Place, text: string, replace: boolean, check: () => T): T {
  const before = replace && existsSync(file) ? readFileSync(file) : undefined;
  writing(file, () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, text, { flag: replace ? "w" : "wx" });
  });
  try {
    return check();
  } catch (error) {
    if (before) writeFileSync(file, before);
    else rmSync(file);
    throw error;
  }
}

/** The JSON schema for the config in a folder. */
export interface SchemaPlace {
  /** Its path, relative to the folder. */
  readonly path: string;
  /** Where it has to be copied to. */
  readonly copy?: string;
}

/**
 * The schema of this clone, where the folder lies in it. Elsewhere, and where the path has characters that editors may not
 * read in a comment, a copy in the folder: a path from there to the clone would not be the same on the next machine.
 */
export function schemaFor({ folder }: Place): SchemaPlace {
  const path = relative(realpathSync(project), realFolder(folder));
  const inClone = path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
  const fromFolder = relative(join(project, path), schemaFile).replaceAll("\\", "/");
  if (inClone && /^[\w./-]+$/.test(fromFolder)) return { path: fromFolder };
  return { path: copyName, copy: join(folder, copyName) };
}

/** Writes the copy, if there has to be one. Resolves to `false` where another version of it is there and must stay. */
export function copySchema({ copy }: SchemaPlace, replace: boolean): boolean {
  if (copy === undefined) return true;
  const text = readFileSync(schemaFile, "utf8");
  if (existsSync(copy) && !replace) return readFileSync(copy, "utf8") === text;
  writing(copy, () => writeFileSync(copy, text));
  return true;
}

/** A folder without links, also one that does not exist yet. */
function realFolder(folder: string): string {
  if (existsSync(folder)) return realpathSync(folder);
  const parent = dirname(folder);
  return parent === folder ? folder : join(realFolder(parent), basename(folder));
}

function writing(file: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    if (code === "EEXIST") throw alreadyThere(basename(file), "Choose another name, or another --folder.");
    throw new UserError(`${basename(file)} cannot be written (${code}).`, "Choose another --folder.");
  }
}

function alreadyThere(path: string, hint: string): UserError {
  return new UserError(`${path} is there already. Nothing was changed.`, hint);
}
