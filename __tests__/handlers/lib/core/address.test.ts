import { describe, expect, it } from "vitest";
import { isLoopback, isProtected } from "../../../../handlers/lib/core/address.ts";

describe("an address that nobody can listen in on", () => {
  it.each([
    "https://example.com/path?x",
    "http://localhost:8080",
    "http://127.0.0.1",
    "http://127.0.0.2:1/x",
    "http://[::1]:1",
  ])("is %s", (url) => {
    expect(isProtected(new URL(url))).toBe(true);
  });

  it.each([
    "http://example.com",
    "http://localhost.example.com",
    "http://127.0.0.1.example.com",
    "http://[::2]",
    "ftp://localhost",
  ])("is not %s", (url) => {
    expect(isProtected(new URL(url))).toBe(false);
  });

  it("is told by its host alone where there is no scheme", () => {
    expect(["127.1.2.3", "[::1]", "128.0.0.1", "127.0.0.1:80"].map(isLoopback)).toEqual([true, true, false, false]);
  });
});
