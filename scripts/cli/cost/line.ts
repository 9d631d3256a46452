/** One line of an estimate: a quantity, its price, and what that comes to. Prices in US dollars. */
export interface Line {
  /** The thing counted, in the singular. */
  readonly name: string;
  readonly count: number;
  /** The unit of {@link unitPrice}. A thing that has a price per hour costs it in each hour of the month. */
  readonly unit: "hour" | "month" | "million" | "GiB" | "GiB-second";
  /** `undefined`: neither the table nor one's own prices have it. */
  readonly unitPrice: number | undefined;
  readonly perMonth: number | undefined;
}

/** Lines as `--json` prints them. `null`: not known. */
export function linesAsJson(lines: readonly Line[]) {
  return lines.map(({ name, count, unit, unitPrice, perMonth }) => ({
    name,
    count,
    unit,
    unit_price: unitPrice ?? null,
    per_month: perMonth ?? null,
  }));
}

/** The sum of lines. `undefined`: some price is unknown. */
export function sumOf(lines: readonly Line[]): number | undefined {
  return lines.some(({ perMonth }) => perMonth === undefined)
    ? undefined
    : lines.reduce((sum, { perMonth = 0 }) => sum + perMonth, 0);
}
