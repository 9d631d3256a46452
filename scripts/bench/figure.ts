/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "kB" | "/s";
  readonly goal?: { readonly value: number; readonly atLeast?: boolean };
  readonly note?: string;
}

/** The median, which one slow run does not change. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
