import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** A sender's proof that it knows a key: a check whether a key fits. */
export type Proof = (key: string) => boolean;

const sha512Signature = /^([0-9a-f]{128})$/i;
const sha256Signature = /^sha256=([0-9a-f]{64})$/i;

/**
 * The proof in a hex HMAC-SHA512 signature of the raw body. Comparison takes the same time wherever digests differ.
 *
 * @param signature the header's value, not validated
 * @returns `undefined` if no key could ever fit: the header is absent or is no SHA-512 digest.
 */
export function hmacSha512Proof(body: Uint8Array, signature: unknown): Proof | undefined {
  return hmacProof("sha512", body, signature, sha512Signature);
}

/** As {@link hmacSha512Proof}, for `sha256=` and a hex HMAC-SHA256: the form of GitHub and of those who follow it. */
export function hmacSha256Proof(body: Uint8Array, signature: unknown): Proof | undefined {
  return hmacProof("sha256", body, signature, sha256Signature);
}

/** @param form the shape of a signature; its group is the digest in hex */
function hmacProof(hash: string, body: Uint8Array, signature: unknown, form: RegExp): Proof | undefined {
  const [, digest] = (typeof signature === "string" && form.exec(signature)) || [];
  if (digest === undefined) return undefined;
  const presented = Buffer.from(digest, "hex");
  return (key) => key !== "" && timingSafeEqual(createHmac(hash, key).update(body).digest(), presented);
}

/** The proof in a header that contains the key itself. Comparison takes the same time wherever they differ. */
export function sharedSecretProof(presented: string | undefined): Proof | undefined {
  if (presented === undefined || presented === "") return undefined;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return (key) => key !== "" && timingSafeEqual(digest(key), digest(presented));
}
