import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What a sender presents as proof of knowing a key: tells whether one key fits it. */
export type Proof = (key: string) => boolean;

const sha512Hex = /^[0-9a-f]{128}$/i;

/**
 * The proof in a hex HMAC-SHA512 signature of the raw body. Comparison takes the same time wherever digests differ.
 *
 * @param signature the header's value, whatever the sender made of it
 * @returns `undefined` when no key could ever fit: the header is absent or is no SHA-512 digest.
 */
export function hmacSha512Proof(body: Uint8Array, signature: unknown): Proof | undefined {
  if (typeof signature !== "string" || !sha512Hex.test(signature)) return undefined;
  const presented = Buffer.from(signature, "hex");
  return (key) => key !== "" && timingSafeEqual(createHmac("sha512", key).update(body).digest(), presented);
}

/** The proof in a header that holds the key itself. Comparison takes the same time wherever they differ. */
export function sharedSecretProof(presented: string | undefined): Proof | undefined {
  if (presented === undefined || presented === "") return undefined;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return (key) => key !== "" && timingSafeEqual(digest(key), digest(presented));
}
