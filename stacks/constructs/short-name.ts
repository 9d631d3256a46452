import { createHash } from "node:crypto";

/** Eight letters that differ where any of the parts does. */
export function fingerprint(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
}

/** The name, or where it is too long its beginning and its fingerprint. */
export function shortName(name: string, maxLength: number): string {
  return name.length <= maxLength ? name : `${name.slice(0, maxLength - 9)}-${fingerprint(name)}`;
}
