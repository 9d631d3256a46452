import { accessSync, constants, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "./errors.ts";

/** A file that an option names. */
export interface NamedFile {
  readonly option: string;
  /** As written on the command line. */
  readonly name: string;
  readonly cwd: string;
}

/** Says early that a file cannot be written, and changes nothing. @throws {UserError} */
export function checkWritable(file: NamedFile): void {
  orSay(file, () => {
    const { path, found } = at(file);
    accessSync(found ? path : dirname(path), constants.W_OK);
  });
}

/** Writes a file at once: a command that is stopped leaves the old one or the new one, whole. @throws {UserError} */
export function writeWhole(file: NamedFile, text: string): void {
  orSay(file, () => {
    const { path, found } = at(file);
    // A device or a pipe, such as /dev/stdout, cannot be replaced.
    if (found && !found.isFile()) return writeFileSync(path, text);
    const draft = `${path}.${process.pid}.tmp`;
    try {
      writeFileSync(draft, text, found && { mode: found.mode });
      renameSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
  });
}

/** Links are followed: the file behind one is written, and the link stays. */
function at({ name, cwd }: NamedFile): { readonly path: string; readonly found: Stats | undefined } {
  const path = resolve(cwd, name);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw new Error("it is a folder");
  return { path: found ? realpathSync(path) : path, found };
}

function orSay({ option, name }: NamedFile, act: () => void): void {
  try {
    act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UserError(`${option} ${name} cannot be written: ${why}.`, "Name a file in a folder that there is.");
  }
}
