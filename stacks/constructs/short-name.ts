import { createHash } from "node:crypto";

/** Eight hexadecimal digits: a hash of the parts. */
export function fingerprint(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
}

/** The name; if it is too long, its beginning and its fingerprint. */
export function shortName(name: string, maxLength: number): string {
  return name.length <= maxLength ? name : `${name.slice(0, maxLength - 9)}-${fingerprint(name)}`;
}
