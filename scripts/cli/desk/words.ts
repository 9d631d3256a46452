import { visible, visibleLine } from "../../../handlers/lib/core/visible.ts";
import { wrapped } from "../../../stacks/config/reading/wrap.ts";

const minute = 60;
const hour = 3600;
const day = 86_400;

/** A length of time for people: `7 s`, `12 min`, `3 h 05 min`, `4 d`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 2 * minute) return `${whole} s`;
  if (whole < 2 * hour) return `${Math.floor(whole / minute)} min`;
  if (whole >= 2 * day) return `${Math.floor(whole / day)} d`;
  return `${Math.floor(whole / hour)} h ${String(Math.floor((whole % hour) / minute)).padStart(2, "0")} min`;
}

/** Seconds from one time to another, never negative. `null` without a time. */
export function secondsBetween(from: Date | undefined, to: Date): number | null {
  return from === undefined ? null : Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));
}

/** `1 job waits`, `3 jobs wait`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A time of day in UTC. */
export function clockTime(at: Date): string {
  return at.toISOString().slice(11, 19);
}

/** US dollars. */
export function dollars(value: number): string {
  return `$${value.toFixed(value < 100 ? 2 : 0)}`;
}

/** Rows in columns, each as wide as its longest cell, two blanks apart. */
export function inColumns(given: readonly (readonly string[])[]): string[] {
  const rows = given.map((row) => row.map(visibleLine));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A text after a label, broken at blanks; further lines begin below the text. */
export function labelled(label: string, text: string, width: number, indent = 11): string[] {
  // Escapes are longer than what they stand for, so they are written before the lines are broken.
  return wrapped(visible(text), Math.max(20, width - indent)).map(
    (line, index) => `${(index === 0 ? label : "").padEnd(indent)}${line}`,
  );
}
