import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hmacSha256Proof, hmacSha512Proof, sharedSecretProof } from "../../../handlers/lib/core/signature.ts";

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

describe("an HMAC-SHA256 signature with the name of its hash", () => {
  const sign256 = (body: Uint8Array, key: string) => createHmac("sha256", key).update(body).digest("hex");

  it("matches a known answer (RFC 4231, case 2)", () => {
    const body = Buffer.from("what do ya want for nothing?");
    const digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    expect(hmacSha256Proof(body, `sha256=${digest}`)?.("Jefe")).toBe(true);
    expect(hmacSha256Proof(body, `sha256=${digest.toUpperCase()}`)?.("Jefe")).toBe(true);
  });

  it("fits its own key and body, and no other, and never an empty key", () => {
    fc.assert(
      fc.property(bytes, bytes, keys, keys, (body, otherBody, key, otherKey) => {
        const signature = `sha256=${sign256(body, key)}`;
        expect(hmacSha256Proof(body, signature)?.(key)).toBe(true);
        expect(hmacSha256Proof(body, signature)?.(otherKey)).toBe(key === otherKey);
        expect(hmacSha256Proof(otherBody, signature)?.(key)).toBe(Buffer.compare(body, otherBody) === 0);
        expect(hmacSha256Proof(body, `sha256=${sign256(body, "")}`)?.("")).toBe(false);
      }),
    );
  });

  it("is no proof at all in any other shape, and never throws", () => {
    const digest = "a".repeat(64);
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: "binary", maxLength: 80 })), (header) => {
        fc.pre(typeof header !== "string" || !/^sha256=[0-9a-f]{64}$/i.test(header));
        expect(hmacSha256Proof(Buffer.from("body"), header)).toBeUndefined();
      }),
    );
    for (const header of [digest, `sha1=${digest}`, `sha256=${digest}\n`, `sha256=${digest}0`, [`sha256=${digest}`]]) {
      expect(hmacSha256Proof(Buffer.from("body"), header)).toBeUndefined();
    }
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
