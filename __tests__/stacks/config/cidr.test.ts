import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressCount, contains, isCidr, overlap, part } from "../../../stacks/config/network/cidr.ts";

/** Written differently from what it tests: all addresses of a range, as a set of numbers. */
function addressesOf(cidr: string): Set<number> {
  const [address = "", prefix = ""] = cidr.split("/");
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  const first = new DataView(Uint8Array.of(a, b, c, d).buffer).getUint32(0);
  return new Set(Array.from({ length: 2 ** (32 - Number(prefix)) }, (_, index) => first + index));
}

/** Ranges of /22 to /28 within few addresses, so that many of them touch. */
const nearby = fc.tuple(fc.nat(7), fc.nat(63), fc.integer({ min: 22, max: 28 })).map(([octet, sixteenth, prefix]) => {
  const offset = octet * 256 + sixteenth * 4;
  const first = offset - (offset % 2 ** (32 - prefix));
  return `10.0.${Math.floor(first / 256)}.${first % 256}/${prefix}`;
});

describe("IPv4 ranges", () => {
  it.each([
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.255.255.255/32",
    "255.255.255.254/31",
    "128.0.0.0/1",
  ])("%s is one", (cidr) => {
    expect(isCidr(cidr, 0, 32)).toBe(true);
  });

  it.each([
    "10.0.0.1/16",
    "10.0.0.0",
    "10.0.0/16",
    "010.0.0.0/16",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/16/16",
    "256.0.0.0/8",
    "::/16",
    "10.0.0.0/ 16",
    " 10.0.0.0/16",
    "10.0.0.0/16\n",
    "",
  ])("%j is none", (cidr) => {
    expect(isCidr(cidr, 0, 32)).toBe(false);
  });

  it("may be limited in size", () => {
    const sizes = ["10.0.0.0/15", "10.0.0.0/16", "10.0.0.0/28", "10.0.0.0/29"];
    expect(sizes.map((cidr) => isCidr(cidr, 16, 28))).toEqual([false, true, true, false]);
  });

  it("overlap exactly when they share an address, and contain each other when all", () => {
    fc.assert(
      fc.property(nearby, nearby, (a, b) => {
        const [ofA, ofB] = [addressesOf(a), addressesOf(b)];
        const shared = [...ofB].filter((address) => ofA.has(address)).length;
        expect(overlap(a, b)).toBe(shared > 0);
        expect(contains(a, b)).toBe(shared === ofB.size);
      }),
    );
  });

  it("are the sum of their parts", () => {
    fc.assert(
      fc.property(nearby, fc.integer({ min: 0, max: 4 }), (cidr, bits) => {
        const parts = Array.from({ length: 2 ** bits }, (_, index) => part(cidr, bits, index));
        expect(parts.every((each) => isCidr(each, 0, 32))).toBe(true);
        expect(new Set(parts.map(addressCount)).size).toBe(1);
        expect(parts.flatMap((each) => [...addressesOf(each)])).toEqual([...addressesOf(cidr)]);
      }),
      { numRuns: 50 },
    );
  });

  it("work up to the last address", () => {
    expect(part("255.255.0.0/16", 4, 15)).toBe("255.255.240.0/20");
    expect(overlap("255.255.255.0/24", "0.0.0.0/0")).toBe(true);
    expect(overlap("128.0.0.0/1", "127.255.255.0/24")).toBe(false);
  });

  it.each([
    ["10.0.0.0/30", 4, 0],
    ["10.0.0.0/16", 4, 16],
    ["10.0.0.0/16", 4, -1],
    ["10.0.0/16", 4, 0],
  ])("%s has no part of %i bits with number %i", (cidr, bits, index) => {
    expect(() => part(cidr, bits, index)).toThrow(RangeError);
  });
});
