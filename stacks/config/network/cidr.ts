import { isIPv4 } from "node:net";

interface Range {
  /** First address, as a number. */
  readonly first: number;
  readonly prefix: number;
}

/**
 * Whether the text is an IPv4 range in the form that AWS takes: `10.0.0.0/16`, not `10.0.0.1/16`. Its prefix must be
 * from `largest` to `smallest`, both included.
 */
export function isCidr(text: string, largest: number, smallest: number): boolean {
  const range = parse(text);
  return range !== undefined && range.prefix >= largest && range.prefix <= smallest;
}

/** How many addresses a range has. */
export function addressCount(cidr: string): number {
  return 2 ** (32 - rangeOf(cidr).prefix);
}

/** Whether `outer` holds every address of `inner`. */
export function contains(outer: string, inner: string): boolean {
  return rangeOf(outer).prefix <= rangeOf(inner).prefix && overlap(outer, inner);
}

/** Whether two ranges share an address. If they do, one contains the other. */
export function overlap(a: string, b: string): boolean {
  const size = Math.max(addressCount(a), addressCount(b));
  return Math.floor(rangeOf(a).first / size) === Math.floor(rangeOf(b).first / size);
}

/** One of the `2 ** bits` equal parts of a range. Throws a RangeError if the part does not exist. */
export function part(cidr: string, bits: number, index: number): string {
  const { first, prefix } = rangeOf(cidr);
  const inner = prefix + bits;
  if (inner > 32 || index < 0 || index >= 2 ** bits)
    throw new RangeError(`${cidr} has no part ${index} of ${bits} bits`);
  return format({ first: first + index * 2 ** (32 - inner), prefix: inner });
}

function rangeOf(cidr: string): Range {
  const range = parse(cidr);
  if (!range) throw new RangeError(`not an IPv4 range: ${cidr}`);
  return range;
}

function parse(text: string): Range | undefined {
  const [, address = "", digits = ""] = /^([0-9.]+)\/([0-9]|[12][0-9]|3[0-2])$/.exec(text) ?? [];
  if (!isIPv4(address)) return undefined;
  const prefix = Number(digits);
  const first = address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
  return first % 2 ** (32 - prefix) === 0 ? { first, prefix } : undefined;
}

function format({ first, prefix }: Range): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}
