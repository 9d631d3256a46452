import type * as z from "zod";
import { refine } from "zod";

/** A condition between several keys of one mapping. */
export interface Rule<T> {
  /** The key that the error names. */
  readonly path: readonly string[];
  /** The keys that the rule reads. If one of them is invalid, the rule is skipped. */
  readonly reads: readonly (readonly string[])[];
  /** The error as "must …", or `undefined`. */
  readonly check: (value: T) => string | undefined;
}

/** Adds rules that run even if other keys are invalid, so that all errors show at once. */
export function withRules<S extends z.ZodType>(schema: S, rules: readonly Rule<z.output<S>>[]): S {
  return schema.check(...rules.map(toCheck));
}

/** Rules of one vendor's fleets, for a schema that knows several vendors. @param type the vendor whose fleets they take */
export function forVendor<Fleet extends { readonly vendor: { readonly type: string } }>(
  type: Fleet["vendor"]["type"],
  rules: readonly Rule<never>[],
): readonly Rule<Fleet>[] {
  return rules.map((rule) => ({
    path: rule.path,
    reads: [["vendor", "type"], ...rule.reads],
    check: (fleet) => (fleet.vendor.type === type ? rule.check(fleet as never) : undefined),
  }));
}

function toCheck<T>({ path, reads, check }: Rule<T>) {
  return refine<T>((value) => check(value) === undefined, {
    path: [...path],
    error: ({ input }) => check(input as T),
    when: ({ issues }) =>
      !issues.some(
        (issue) => issue.code !== "unrecognized_keys" && reads.some((needed) => overlap(issue.path ?? [], needed)),
      ),
  });
}

/** Whether one path leads to the other or past it. */
function overlap(a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean {
  const length = Math.min(a.length, b.length);
  return a.slice(0, length).every((key, index) => key === b[index]);
}
