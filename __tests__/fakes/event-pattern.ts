type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Whether EventBridge would pass an event to a rule: the part of its pattern language that we use (exact values,
 * prefix, anything-but, exists, $or), after AWS's documentation. In lists of objects any item may match.
 */
export function matches(pattern: unknown, event: unknown): boolean {
  return Object.entries(asObject(pattern)).every(([key, wanted]) => {
    if (key === "$or") return asList(wanted).some((branch) => matches(branch, event));
    const values = valuesAt(event, key);
    return Array.isArray(wanted)
      ? wanted.some((condition) => holds(condition as Json, values))
      : values.some((value) => matches(wanted, value));
  });
}

/** The values of a key in an object, or in all objects of a list. The items of a list value come one by one. */
function valuesAt(event: unknown, key: string): unknown[] {
  const parents = Array.isArray(event) ? event : [event];
  return parents
    .filter((parent) => typeof parent === "object" && parent !== null && key in parent)
    .flatMap((parent) => asObject(parent)[key]);
}

function holds(condition: Json, values: readonly unknown[]): boolean {
  if (typeof condition !== "object" || condition === null) return values.includes(condition);
  const [[operator, operand] = []] = Object.entries(condition);
  switch (operator) {
    case "prefix":
      return values.some((value) => typeof value === "string" && value.startsWith(String(operand)));
    case "anything-but":
      return values.some((value) => !asList(operand).includes(value));
    case "exists":
      return values.length > 0 === operand;
    default:
      throw new Error(`this matcher does not know ${operator}`);
  }
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Error("not an object");
  return value as Record<string, unknown>;
}
