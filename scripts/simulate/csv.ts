import { parseCsvText } from "./csv-text.ts";
import { TraceError, type TraceLine } from "./trace-job.ts";

const needed = ["submitted_at", "duration_seconds"] as const;
const columns = [...needed, "queue", "workspace"] as const;
type Column = (typeof columns)[number];

/** Which jobs of a CSV file are wanted. */
export interface QueueChoice {
  /** Left out: the jobs of all queues. */
  readonly queue?: string | undefined;
  /** Whether a queue is a pool of the fleet. Left out: jobs are of one pool, whatever their queue. */
  readonly isPool?: ((queue: string) => boolean) | undefined;
}

/**
 * The jobs of a CSV file with the columns `submitted_at,duration_seconds[,queue][,workspace]` in any order.
 * `submitted_at` is a time of ISO 8601, of UTC where it names no zone, or seconds since any moment; one of both in all
 * lines.
 *
 * @throws {TraceError}
 */
export function parseCsv(text: string, file: string, { queue, isPool }: QueueChoice = {}): TraceLine[] {
  const parsed = parseCsvText(text);
  if ("brokenLine" in parsed) fail(parsed.brokenLine, 'a cell begins with " and does not end with it');
  const [head, ...lines] = parsed;
  const names = head?.cells ?? [];
  for (const name of needed) if (!names.includes(name)) fail(1, `the first line must name the column ${name}`);
  for (const name of names) {
    if (!columns.some((column) => column === name))
      fail(1, `unknown column ${shown(name)}. Columns: ${columns.join(", ")}`);
    if (names.indexOf(name) !== names.lastIndexOf(name)) fail(1, `the first line names the column ${name} twice`);
  }
  if (queue !== undefined && !names.includes("queue")) fail(1, "--queue needs the column queue");

  const isCounted = decimal.test(lines[0]?.cells[names.indexOf("submitted_at")] ?? "");
  return lines.flatMap(({ number: line, cells: values }) => {
    if (values.length !== names.length) fail(line, `expected ${names.length} values, found ${values.length}`);
    const value = (column: Column) => values[names.indexOf(column)] ?? "";
    const submitted = value("submitted_at");
    const at = decimal.test(submitted) ? Number(submitted) : secondsOf(submitted);
    if (!Number.isFinite(at)) {
      fail(line, `submitted_at must be a time as 2026-01-31T09:00:00Z or seconds, found "${shown(submitted)}"`);
    }
    if (decimal.test(submitted) !== isCounted) {
      const [first, here] = isCounted ? ["seconds", "a time"] : ["a time", "seconds"];
      fail(line, `submitted_at is ${here}, "${submitted}", and ${first} in the first job: write all in one way`);
    }
    const duration = value("duration_seconds");
    const seconds = decimal.test(duration) ? Number(duration) : Number.NaN;
    if (!(seconds >= 0)) fail(line, `duration_seconds must be a number of 0 or more, found "${shown(duration)}"`);
    const own = value("queue") || undefined;
    if (queue !== undefined && own !== queue) return [];
    const job = { line, at, seconds, workspace: value("workspace") || undefined };
    if (isPool === undefined || own === undefined) return [job];
    if (!isPool(own)) fail(line, `no pool of the fleet is queue "${shown(own)}"`);
    return [{ ...job, queue: own }];
  });

  function fail(line: number, why: string): never {
    throw new TraceError(`${file}:${line}: ${why}`);
  }
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const isoTime = /^(\d{4}-\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:(Z)|([+-]\d\d):?(\d\d))?)?$/i;

/**
 * Seconds since 1970; NaN for anything but a time of ISO 8601. Without a zone it is of UTC: a trace must not depend on the
 * machine that reads it. `Date.parse` alone takes "banana 5" for a day of May, and 30 February for 2 March.
 */
function secondsOf(text: string): number {
  const [all, month, day, time = "00:00", , hours = "+00", minutes = "00"] = isoTime.exec(text) ?? [];
  if (all === undefined) return Number.NaN;
  const isDay = new Date(`${month}-${day}T00:00Z`).getUTCDate() === Number(day);
  return isDay ? Date.parse(`${month}-${day}T${time}${hours}:${minutes}`) / 1000 : Number.NaN;
}

/** A value in an error: its beginning, if it is long. */
function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
