/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "kB" | "MiB" | "/s";
  /** What the figure is compared with. It was measured in the same run, in the same unit. */
  readonly baseline?: { readonly what: string; readonly value: number };
  /** In the figure's unit, or as a ratio to the baseline. */
  readonly goal?: { readonly value: number; readonly of?: "baseline"; readonly atLeast?: boolean };
  readonly note?: string;
}

/** The figure's cells: itself, its baseline, the ratio to it, its goal, and whether that is met. */
export function cellsOf({ value, unit, baseline, goal }: Figure) {
  const ratio = baseline && value / baseline.value;
  const compared = goal?.of === "baseline" ? (ratio ?? Number.NaN) : value;
  const goalUnit = goal?.of === "baseline" ? "×" : ` ${unit}`;
  return {
    figure: `${round(value)} ${unit}`,
    baseline: baseline ? `${round(baseline.value)} ${unit}: ${baseline.what}` : "",
    ratio: ratio === undefined ? "" : `${round(ratio)}×`,
    goal: goal ? `${goal.atLeast ? "≥" : "≤"} ${goal.value}${goalUnit}` : "",
    met: goal ? ((goal.atLeast ? compared >= goal.value : compared <= goal.value) ? "yes" : "no") : "",
  };
}

/** The median, which one slow run does not change. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}
