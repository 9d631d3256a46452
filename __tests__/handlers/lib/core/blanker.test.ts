import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBlanker } from "../../../../handlers/lib/core/blanker.ts";
import { forms } from "../../../fakes/echo.ts";

const hiding = (...credentials: string[]) => {
  const blanker = createBlanker();
  blanker.remember(...credentials);
  return blanker;
};

describe("a blanker", () => {
  it("hides a credential, and nothing around it", () => {
    expect(hiding("Bearer s3cr3t-token-1").blank("token s3cr3t-token-1 is not valid")).toBe(
      "token [hidden] is not valid",
    );
  });

  it("keeps the scheme, so that a text about it stays readable", () => {
    expect(hiding("Bearer s3cr3t-token-1").blank("Bearer authentication")).toBe("Bearer authentication");
  });

  it("hides the password of basic authentication", () => {
    const header = `Basic ${Buffer.from(":s3cr3t-pat-1").toString("base64")}`;
    expect(hiding(header).blank(`${header} s3cr3t-pat-1`)).toBe("Basic [hidden] [hidden]");
  });

  it("hides what is left of a cut one, down to eight characters", () => {
    const { blank } = hiding("0123456789abcdef");
    expect(blank("...89abcdef")).toBe("...[hidden]");
    expect(blank("0123456…")).toBe("0123456…");
  });

  it("hides a short one as a whole, and takes three characters for no credential", () => {
    expect(hiding("abcd", "xyz").blank("ABCD xyz")).toBe("[hidden] xyz");
  });

  it("hides a short one in base64 and hexadecimal, too", () => {
    const { blank } = hiding("hunt");
    // The last character has bits of its neighbour.
    expect(blank(`x ${Buffer.from("hunt").toString("base64url")} y`)).toBe("x [hidden]A y");
    expect(blank(`x ${Buffer.from("hunt").toString("hex")} y`)).toBe("x [hidden] y");
  });

  it.each([
    ["HTML of .NET", "a&#x2B;b&#x2F;c&#x27;d&#x3D;e"],
    ["HTML in decimal", "a&#43;b&#47;c&#39;d&#61;e"],
    ["JSON of .NET", "a\\u002Bb\\u002Fc\\u0027d\\u003De"],
    ["JSON in JSON", "a\\\\u002Bb\\\\u002Fc\\\\u0027d\\\\u003De"],
    ["a URL in a URL", "a%252Bb%252Fc'd%253De"],
    ["a URL without exceptions", "a%2Bb%2Fc%27d%3De"],
  ])("hides it in %s", (_, written) => {
    expect(hiding("a+b/c'd=e").blank(`x ${written} y`)).toBe("x [hidden] y");
  });

  it("hides in names and texts of JSON, and leaves the rest", () => {
    const { blankAll } = hiding("0123456789abcdef");
    expect(blankAll({ "0123456789abcdef": [1, null, "x 0123456789abcdef"] })).toEqual({
      "[hidden]": [1, null, "x [hidden]"],
    });
  });

  it("takes JSON that is nested too deep for none", () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(hiding("0123456789abcdef").blankAll(deep)).toBeUndefined();
  });

  it("hides every form of every credential in every text", () => {
    const credential = fc.string({ minLength: 12, maxLength: 60 });
    const form = fc.constantFrom(...Object.values(forms));
    fc.assert(
      fc.property(credential, form, fc.string(), fc.string(), (secret, write, before, after) => {
        const text = hiding(secret).blank(`${before}${write(secret)}${after}`);
        const written = secret.toLowerCase();
        for (let at = 0; at + 8 <= written.length; at += 1) {
          expect(text.toLowerCase()).not.toContain(written.slice(at, at + 8));
        }
      }),
    );
  });

  it("hides nothing in a text without a credential", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(hiding("Kx9-Kx9-Kx9-Kx9-Kx9").blank(text)).toBe(text);
      }),
    );
  });
});
