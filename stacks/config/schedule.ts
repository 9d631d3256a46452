import { text } from "./primitives.ts";

/** A schedule of AWS, as part of a regular expression. Its fields are checked by {@link schedule}. */
const cronPattern = "cron\\((?:[0-9A-Za-z*?,/#-]+ ){5}[0-9A-Za-z*?,/#-]+\\)";

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** One field of a cron expression: numbers, names of the numbers from `min` on, and what may stand there besides. */
interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  readonly besides?: RegExp;
}

/**
 * Minutes, hours, day of month, month, day of week, year, as EventBridge takes them (user guide, "Cron expressions
 * reference"). Image Builder takes the same.
 */
const fields: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31, besides: /^(?:\?|L|LW|(?:[1-9]|[12]\d|3[01])W)$/ },
  { min: 1, max: 12, names: months },
  { min: 1, max: 7, names: days, besides: /^(?:\?|L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#[1-5]))$/ },
  { min: 1970, max: 2199 },
];

/**
 * A schedule of AWS in UTC: `cron(…)` whose fields AWS takes, or one of `others`. Wrong fields would be refused in the
 * middle of a deployment.
 *
 * @param others as part of a regular expression
 */
export function schedule(others: string, mustBe: string) {
  const pattern = new RegExp(`^(?:${others}|${cronPattern})$`);
  const fits = (value: string) => !value.startsWith("cron(") || isCron(value.slice("cron(".length, -1));
  // A text of another form has its error already.
  return text(pattern, mustBe).refine((value) => !pattern.test(value) || fits(value), { error: `must be ${mustBe}` });
}

function isCron(expression: string): boolean {
  const parts = expression.toUpperCase().split(" ");
  // Exactly one of the two kinds of days must be left open.
  if (parts.length !== fields.length || (parts[2] === "?") === (parts[4] === "?")) return false;
  return fields.every((field, index) => isField(parts[index] ?? "", field));
}

function isField(part: string, field: Field): boolean {
  return field.besides?.test(part) || part.split(",").every((item) => isItem(item, field));
}

/** `*`, a value or a range, each with a step or without. */
function isItem(item: string, field: Field): boolean {
  const [range = "", step, ...more] = item.split("/");
  if (more.length > 0 || (step !== undefined && !isNumber(step, 1, field.max))) return false;
  if (range === "*") return true;
  const ends = range.split("-");
  return ends.length <= 2 && ends.every((end) => isValue(end, field));
}

function isValue(value: string, { min, max, names = [] }: Field): boolean {
  return names.includes(value) || isNumber(value, min, max);
}

function isNumber(text: string, min: number, max: number): boolean {
  return /^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max;
}
