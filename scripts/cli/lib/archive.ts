import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { filesToUpload } from "../../../stacks/config/uploads/files.ts";
import { UserError } from "./errors.ts";

const block = 512;

/** A folder as a gzipped tar archive. */
export interface Archive {
  readonly bytes: Uint8Array;
  readonly files: number;
  /** Paths that stay here, see {@link filesToUpload}. */
  readonly leftOut: readonly string[];
}

/**
 * Packs a folder: files in the order of their names, with fixed dates and owners, so that equal folders make equal
 * archives. Leaves out secrets, Terraform's own files and what the folder's ignore files name.
 */
export async function packFolder(folder: string): Promise<Archive> {
  const { files: paths, leftOut, odd } = filesToUpload(folder);
  if (odd[0] !== undefined) throw cannotPack(odd[0], "is a link or no file at all");
  const parts: Buffer[] = [];
  for (const path of paths) {
    const content = await readFile(join(folder, path));
    parts.push(header(path, content.length), content, Buffer.alloc((block - (content.length % block)) % block));
  }
  parts.push(Buffer.alloc(2 * block));
  return { bytes: await promisify(gzip)(Buffer.concat(parts)), files: paths.length, leftOut };
}

/** One entry's header in the ustar format (POSIX.1-1988): octal numbers, and a checksum over itself. */
function header(path: string, size: number): Buffer {
  const { name, prefix } = split(path);
  const bytes = Buffer.alloc(block);
  const octal = (value: number, at: number, length: number) =>
    bytes.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  bytes.write(name, 0);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  bytes.write("        ", 148, "latin1");
  bytes.write("0", 156, "latin1");
  bytes.write("ustar\x0000", 257, "latin1");
  bytes.write(prefix, 345);
  const checksum = bytes.reduce((sum, byte) => sum + byte, 0);
  bytes.write(`${checksum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}

/** 100 bytes of name, and up to 155 more for the folders before it. */
function split(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
    const prefix = path.slice(0, slash);
    const name = path.slice(slash + 1);
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155) return { name, prefix };
  }
  throw cannotPack(path, "has too long a name");
}

function cannotPack(path: string, why: string): UserError {
  return new UserError(`${path} cannot be packed: it ${why}.`, "Synthesize into an empty folder, then try again.");
}
