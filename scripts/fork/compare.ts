type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Differences that the fork makes on purpose: its own version, and versions and full names of the providers that its
 * bindings were made for. They change no resource and no address.
 */
const expected = [
  /^\/version$/,
  /^\/{4}metadata\/version$/,
  /^\/terraform\/required_providers\/[\w-]+\/(version|source)$/,
];

/**
 * The places where two JSON documents differ, with both values, as "/resource/aws_x/y: 1 and 2". Empty: they differ in
 * {@link expected} places at most.
 */
export function differences(ours: unknown, theirs: unknown): string[] {
  return walk(ours as Json, theirs as Json, "");
}

function walk(ours: Json | undefined, theirs: Json | undefined, path: string): string[] {
  if (!isTree(ours) || !isTree(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) {
    const same = ours === theirs || expected.some((pattern) => pattern.test(path));
    return same ? [] : [`${path}: ${shown(ours)} and ${shown(theirs)}`];
  }
  const [one, other] = [new Map(Object.entries(ours)), new Map(Object.entries(theirs))];
  const keys = new Set([...one.keys(), ...other.keys()]);
  return [...keys].flatMap((key) => walk(one.get(key), other.get(key), `${path}/${key}`));
}

function isTree(value: Json | undefined): value is Exclude<Json, null | boolean | number | string> {
  return typeof value === "object" && value !== null;
}

function shown(value: Json | undefined): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** The addresses of a stack's resources and data sources, such as "aws_iam_role.x" and "data.aws_region.y". */
export function addressesOf(stack: unknown): string[] {
  const { resource = {}, data = {} } = stack as Readonly<Record<"resource" | "data", Record<string, object>>>;
  const named = (prefix: string, blocks: Readonly<Record<string, object>>) =>
    Object.entries(blocks).flatMap(([type, all]) => Object.keys(all).map((name) => `${prefix}${type}.${name}`));
  return [...named("", resource), ...named("data.", data)];
}
