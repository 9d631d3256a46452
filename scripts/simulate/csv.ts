import { parseCsvText } from "./csv-text.ts";
import { TraceError, type TraceJob } from "./trace-job.ts";

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
 * `submitted_at` is a time of ISO 8601 or seconds since any moment.
 *
 * @throws {TraceError}
 */
export function parseCsv(text: string, file: string, { queue, isPool }: QueueChoice = {}): TraceJob[] {
  const parsed = parseCsvText(text);
  if ("brokenLine" in parsed) fail(parsed.brokenLine, 'a cell begins with " and does not end with it');
  const [head, ...lines] = parsed;
  const names = head?.cells ?? [];
  for (const name of needed) if (!names.includes(name)) fail(1, `the first line must name the column ${name}`);
  for (const name of names) {
    if (!columns.some((column) => column === name)) fail(1, `unknown column ${name}. Columns: ${columns.join(", ")}`);
  }
  if (queue !== undefined && !names.includes("queue")) fail(1, "--queue needs the column queue");

  return lines.flatMap(({ number, cells: values }) => {
    if (values.length !== names.length) fail(number, `expected ${names.length} values, found ${values.length}`);
    const value = (column: Column) => values[names.indexOf(column)] ?? "";
    const at = secondsOf(value("submitted_at"));
    if (Number.isNaN(at)) {
      fail(number, `submitted_at must be a time as 2026-01-31T09:00:00Z or seconds, found "${value("submitted_at")}"`);
    }
    const duration = value("duration_seconds");
    const seconds = duration === "" ? Number.NaN : Number(duration);
    if (!(seconds >= 0)) fail(number, `duration_seconds must be a number of 0 or more, found "${duration}"`);
    const own = value("queue") || undefined;
    if (queue !== undefined && own !== queue) return [];
    if (isPool === undefined || own === undefined) return [{ at, seconds, workspace: value("workspace") || undefined }];
    if (!isPool(own)) fail(number, `no pool of the fleet is queue "${own}"`);
    return [{ at, seconds, workspace: value("workspace") || undefined, queue: own }];
  });

  function fail(line: number, why: string): never {
    throw new TraceError(`${file}:${line}: ${why}`);
  }
}

function secondsOf(text: string): number {
  if (text === "") return Number.NaN;
  const seconds = Number(text);
  return Number.isNaN(seconds) ? Date.parse(text) / 1000 : seconds;
}
