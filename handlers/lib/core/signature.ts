import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A sender's proof that it knows a key: a check whether a key fits. */
export type Proof = (key: string) => boolean;

const sha512Hex = /^[0-9a-f]{128}$/i;

/**
 * The proof in a hex HMAC-SHA512 signature of the raw body. Comparison takes the same time wherever digests differ.
 *
 * @param signature the header's value, not validated
 * @returns `undefined` if no key could ever fit: the header is absent or is no SHA-512 digest.
 */
export function hmacSha512Proof(body: Uint8Array, signature: unknown): Proof | undefined {
  if (typeof signature !== "string" || !sha512Hex.test(signature)) return undefined;
  const presented = Buffer.from(signature, "hex");
  return (key) => key !== "" && timingSafeEqual(createHmac("sha512", key).update(body).digest(), presented);
}

/** The proof in a header that contains the key itself. Comparison takes the same time wherever they differ. */
export function sharedSecretProof(presented: string | undefined): Proof | undefined {
  if (presented === undefined || presented === "") return undefined;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return (key) => key !== "" && timingSafeEqual(digest(key), digest(presented));
}
