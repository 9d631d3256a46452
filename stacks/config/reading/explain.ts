import * as z from "zod";
import { nearest } from "./nearest.ts";
import type { Path } from "./yaml-tree.ts";

/** One error in a config, in words that continue its path. */
export interface Explanation {
  readonly path: Path;
  readonly message: string;
  /** `value`: the message asks for another value, so the report adds the found one. `key`: the key itself is wrong. */
  readonly about: "value" | "key";
}

/** An {@link Explanation} of a setting that is allowed but most likely a mistake. */
export function warning(path: Path, message: string): Explanation {
  return { path, message, about: "key" };
}

/**
 * Checks a value against a schema.
 *
 * @param isForeign whether the schema knows a key but this value cannot use it; errors do not propose such keys
 * @returns the parsed value, or all its errors, in sentences like "must be …".
 */
export function check<S extends z.ZodType>(
  schema: S,
  value: unknown,
  isForeign: (path: Path) => boolean = () => false,
): { readonly value: z.output<S> } | { readonly explanations: readonly Explanation[] } {
  const result = schema.safeParse(value, { error: mustBe, reportInput: true });
  return result.success
    ? { value: result.data }
    : { explanations: result.error.issues.flatMap((issue) => explain(issue, isForeign)) };
}

const privateKeys: readonly PropertyKey[] = [
  "secrets",
  "environment",
  "secureEnvironment",
  "userData",
  "ecsConfig",
  "configuration",
  "setup",
  "credentials",
  "caCertificates",
];

/** Whether a path may hold a secret, even by mistake. Errors never repeat such values. */
export function isSecret(path: Path): boolean {
  return privateKeys.some((key) => path.includes(key));
}

const types: Readonly<Record<string, string>> = {
  string: "text",
  boolean: "true or false",
  number: "a number",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
};

/** The default message of an issue. For unknown keys: the list of known ones, for {@link explain}. */
function mustBe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${types[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "invalid_union":
      return "options" in issue && Array.isArray(issue.options)
        ? `must be one of ${issue.options.join(", ")}`
        : "has the wrong form";
    case "unrecognized_keys":
      return issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape).join(" ") : "";
    case "too_small":
      return issue.minimum === 1 ? "must not be empty" : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return "is not valid";
  }
}

function explain(issue: z.core.$ZodIssue, isForeign: (path: Path) => boolean, above: Path = []): Explanation[] {
  const path = [...above, ...issue.path];
  switch (issue.code) {
    case "unrecognized_keys":
      return explainKeys(
        issue.keys,
        path,
        issue.message.split(" ").filter((known) => !isForeign([...path, known])),
      );
    case "invalid_key":
      return issue.issues.map(({ message }) => ({ path, message, about: "key" }));
    case "invalid_union":
      return explainUnion(issue, isForeign, path);
    default:
      return [{ path, message: issue.message, about: "value" }];
  }
}

/** Of more unknown keys in one mapping only the number is told: comparing each with all known keys would take long. */
const mostUnknownKeys = 50;

function explainKeys(keys: readonly string[], path: Path, known: readonly string[]): Explanation[] {
  const told = keys.slice(0, mostUnknownKeys).map((key) => unknownKey([...path, key], known));
  const rest = keys.length - told.length;
  return rest > 0 ? [...told, { path, message: `has ${rest} more unknown keys`, about: "key" }] : told;
}

/** Old names of keys → new names. The keys below them kept their names. */
const renamedKeys: ReadonlyMap<unknown, string> = new Map([["alerts", "alarms"]]);

const rolledOut = "was removed: the loop itself replaces instances now, at the pace of compute.refresh.atOncePercent";

/** Keys of earlier versions without a successor, alone or with the key above → the reason to leave them out. */
const goneKeys: ReadonlyMap<unknown, string> = new Map([
  ["singleFlight", "was removed, leave it out: passes of the loop never overlap now, in any account"],
  ["proxies", "is now vendor.proxy: { url, noProxy, credentials }, one proxy for http and https, with every vendor"],
  ["minHealthyPercent", rolledOut],
  ["maxHealthyPercent", rolledOut],
  ["warmupSeconds", rolledOut],
  [
    "manage.workspaces",
    "was removed: it reset settings of workspaces that others own. If the stack is deployed with it, call it " +
      "forgetWorkspaces for one deploy, or Terraform resets them once more. Use `fleet hcp workspaces assign` instead",
  ],
]);

const onLinux = "is not supported: agents run on Linux. See docs/requirements.md";

/** Keys that people look for, and that no version had → why not, and what to do instead. */
const absentKeys: ReadonlyMap<unknown, string> = new Map([
  [
    "gpu",
    "is not supported for tasks. On instances, choose compute.instances.types with a GPU. See docs/requirements.md",
  ],
  [
    "privileged",
    "is not supported: no agent in a container is privileged, so jobs have no Docker. See docs/requirements.md",
  ],
  ["operatingSystem", onLinux],
  ["operatingSystemFamily", onLinux],
  ["runtimePlatform", "is not a key here: compute.architecture chooses x86_64 or arm64. See docs/requirements.md"],
]);

function unknownKey(path: Path, known: readonly string[]): Explanation {
  const renamed = renamedKeys.get(path.at(-1));
  if (renamed !== undefined && known.includes(renamed)) {
    return { path, message: `is called ${renamed} now. The keys below it keep their names`, about: "key" };
  }
  const gone = goneKeys.get(path.at(-1)) ?? goneKeys.get(path.slice(-2).join(".")) ?? absentKeys.get(path.at(-1));
  if (gone !== undefined) return { path, message: gone, about: "key" };
  const guess = nearest(String(path.at(-1)), known);
  const list = `Known: ${known.join(", ")}`;
  // An unknown key among secrets may be a pasted secret. The error names it only if it resembles a known key.
  if (isSecret(path) && !guess) {
    return { path: path.slice(0, -1), message: `has an unknown key. ${list}`, about: "key" };
  }
  const message = `is not a known key here${guess ? `, did you mean ${guess}?` : "."} ${list}`;
  return { path, message, about: "key" };
}

/** Reports the errors of the form that the author most likely meant, judged by the value's keys. */
function explainUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  isForeign: (path: Path) => boolean,
  path: Path,
): Explanation[] {
  const keys = isRecord(issue.input) ? Object.keys(issue.input) : [];
  const forms = issue.errors
    .map((issues) => ({ issues, strangers: unknownKeysOf(issues).flatMap((each) => each.keys) }))
    .sort((a, b) => a.strangers.length - b.strangers.length || a.issues.length - b.issues.length);
  const [meant] = forms;
  if (meant && meant.strangers.length < keys.length)
    return meant.issues.flatMap((each) => explain(each, isForeign, path));
  const known = [...new Set(issue.errors.flatMap(unknownKeysOf).flatMap(({ message }) => message.split(" ")))];
  const typos = keys
    .slice(0, mostUnknownKeys)
    .filter((key) => nearest(key, known))
    .map((key) => unknownKey([...path, key], known));
  return typos.length > 0 ? typos : [{ path, message: issue.message, about: "value" }];
}

function unknownKeysOf(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssueUnrecognizedKeys[] {
  return issues.filter((issue) => issue.code === "unrecognized_keys");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
