import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hmacSha512Proof, sharedSecretProof } from "../../../handlers/lib/core/signature.ts";

const sign = (body: Uint8Array, key: string) => createHmac("sha512", key).update(body).digest("hex");
const bytes = fc.uint8Array({ maxLength: 500 });
const keys = fc.string({ minLength: 1, maxLength: 80 });

describe("defect 4: an HMAC-SHA512 signature", () => {
  it("matches a known answer (RFC 4231, case 2)", () => {
    const body = Buffer.from("what do ya want for nothing?");
    const digest =
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
      "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
    expect(hmacSha512Proof(body, digest)?.("Jefe")).toBe(true);
    expect(hmacSha512Proof(body, digest.toUpperCase())?.("Jefe")).toBe(true);
  });

  it("fits its own key and body, and no other", () => {
    fc.assert(
      fc.property(bytes, bytes, keys, keys, (body, otherBody, key, otherKey) => {
        const signature = sign(body, key);
        expect(hmacSha512Proof(body, signature)?.(key)).toBe(true);
        expect(hmacSha512Proof(body, signature)?.(otherKey)).toBe(key === otherKey);
        expect(hmacSha512Proof(otherBody, signature)?.(key)).toBe(Buffer.compare(body, otherBody) === 0);
      }),
    );
  });

  it("does not fit when one digit differs, wherever it is", () => {
    const body = Buffer.from("body");
    const signature = sign(body, "key");
    for (let at = 0; at < signature.length; at += 1) {
      const digit = signature[at] === "0" ? "1" : "0";
      const forged = signature.slice(0, at) + digit + signature.slice(at + 1);
      expect(hmacSha512Proof(body, forged)?.("key")).toBe(false);
    }
  });

  it("never fits an empty key", () => {
    const body = Buffer.from("body");
    expect(hmacSha512Proof(body, sign(body, ""))?.("")).toBe(false);
  });

  it("is no proof at all in any other shape, and never throws", () => {
    const hostile = fc.oneof(
      fc.anything(),
      fc.string(),
      fc.string({ unit: "binary", minLength: 128, maxLength: 128 }),
      fc.array(fc.constant("a".repeat(128))),
      fc.constant(["a".repeat(128)]),
    );
    fc.assert(
      fc.property(hostile, (header) => {
        fc.pre(typeof header !== "string" || !/^[0-9a-f]{128}$/i.test(header));
        expect(hmacSha512Proof(Buffer.from("body"), header)).toBeUndefined();
      }),
    );
    expect(hmacSha512Proof(Buffer.from("body"), `${"a".repeat(128)}\n`)).toBeUndefined();
  });
});

describe("a shared secret", () => {
  it("fits itself, and no other, of whatever length", () => {
    const texts = fc.string({ minLength: 1, maxLength: 80, unit: "binary" });
    fc.assert(
      fc.property(texts, texts, (key, other) => {
        expect(sharedSecretProof(key)?.(key)).toBe(true);
        expect(sharedSecretProof(key)?.(other)).toBe(key === other);
        expect(sharedSecretProof(key)?.(key + other)).toBe(false);
      }),
    );
  });

  it("never fits an empty key, and is no proof when it is absent or empty", () => {
    expect(sharedSecretProof("key")?.("")).toBe(false);
    expect([sharedSecretProof(undefined), sharedSecretProof("")]).toEqual([undefined, undefined]);
  });
});
