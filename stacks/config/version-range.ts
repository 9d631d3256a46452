/** Major, minor, patch. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The bounds of a version constraint. `undefined`: there is no such bound. */
interface VersionRange {
  /** No older version is allowed. */
  readonly from: Version | undefined;
  /** Neither this version nor a newer one is allowed. */
  readonly below: Version | undefined;
}

/** Whether a version is older than another one. */
export function isBelow(version: Version, other: Version): boolean {
  const index = version.findIndex((part, at) => part !== other[at]);
  return index >= 0 && (version[index] ?? 0) < (other[index] ?? 0);
}

/**
 * The bounds of a Terraform version constraint, such as "~> 6.25" or ">= 6.0, < 7". Pre-releases count as their release,
 * and `!=` sets no bound. Source: Terraform's documentation, "Version constraints".
 */
export function versionRange(constraint: string): VersionRange {
  const ranges = constraint.split(",").map(boundsOf);
  const [from] = ranges.flatMap(({ from }) => (from ? [from] : [])).sort((a, b) => (isBelow(a, b) ? 1 : -1));
  const [below] = ranges.flatMap(({ below }) => (below ? [below] : [])).sort((a, b) => (isBelow(a, b) ? -1 : 1));
  return { from, below };
}

function boundsOf(part: string): VersionRange {
  const [, operator = "", text = ""] = /^\s*(=|!=|>=?|<=?|~>)?\s*([\d.]+)/.exec(part) ?? [];
  const numbers = text.split(".").map(Number);
  const [major = 0, minor = 0, patch = 0] = numbers;
  const version: Version = [major, minor, patch];
  const next: Version = [major, minor, patch + 1];
  switch (operator) {
    case "!=":
      return { from: undefined, below: undefined };
    case ">":
      return { from: next, below: undefined };
    case ">=":
      return { from: version, below: undefined };
    case "<":
      return { from: undefined, below: version };
    case "<=":
      return { from: undefined, below: next };
    case "~>":
      return { from: version, below: afterPessimistic(numbers) };
    default:
      return { from: version, below: next };
  }
}

/** `~>` lets the last given number grow: "~> 6.25" ends before 7, "~> 6.25.1" before 6.26, and "~> 6" never. */
function afterPessimistic([major = 0, minor, patch]: readonly number[]): Version | undefined {
  if (minor === undefined) return undefined;
  return patch === undefined ? [major + 1, 0, 0] : [major, minor + 1, 0];
}
