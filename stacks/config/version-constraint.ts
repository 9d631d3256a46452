type Version = readonly [major: number, minor: number, patch: number];

interface Term {
  readonly operator: string;
  /** 1 to 3 numbers, as written. */
  readonly numbers: readonly number[];
  readonly version: Version;
}

/**
 * Whether every version that a constraint allows is below `bound`. Pre-releases count as their release.
 *
 * @param constraint terms such as `>= 0.71, < 0.75`, all of which a version must meet
 * @see https://developer.hashicorp.com/terraform/language/expressions/version-constraints
 */
export function allowsOnlyBelow(constraint: string, bound: Version): boolean {
  return termsOf(constraint).some(({ operator, numbers, version }) => {
    if (operator === "<") return compare(version, bound) <= 0;
    if (operator === "~>") return numbers.length > 1 && compare(endOf(numbers), bound) <= 0;
    return ["=", "<="].includes(operator) && compare(version, bound) < 0;
  });
}

/** Whether every version that a constraint allows is `bound` or later. */
export function allowsOnlyFrom(constraint: string, bound: Version): boolean {
  return termsOf(constraint).some(
    ({ operator, version }) => ["=", ">", ">=", "~>"].includes(operator) && compare(version, bound) >= 0,
  );
}

function termsOf(constraint: string): readonly Term[] {
  return constraint.split(",").map((term) => {
    const [, operator = "", version = ""] = /^\s*([^\d\s]*)\s*([\d.]*)/.exec(term) ?? [];
    const numbers = version.split(".").map(Number);
    return { operator: operator || "=", numbers, version: [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0] };
  });
}

/** The first version that `~>` excludes: `~> 0.71.2` ends at 0.72, `~> 0.71` at 1.0. */
function endOf(numbers: readonly number[]): Version {
  const [major = 0, minor = 0] = numbers;
  return numbers.length > 2 ? [major, minor + 1, 0] : [major + 1, 0, 0];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
