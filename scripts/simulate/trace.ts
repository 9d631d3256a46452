import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseCsv } from "./csv.ts";
import { isSynthetic, synthesize } from "./synthetic.ts";
import { type Trace, TraceError, type TraceJob } from "./trace-job.ts";

/** Chooses a trace. */
export interface TraceChoice {
  /** `synthetic:<name>`, or a path that ends in `.swf`, `.csv`, or one of them with `.gz`. */
  readonly trace: string;
  /** Of the synthetic ones. */
  readonly seed: number;
  /** Only the jobs of this queue of a CSV file. */
  readonly queue?: string | undefined;
  /** Whether a queue is a pool of the fleet. Left out: the fleet has one pool, which takes the jobs of all queues. */
  readonly isPool?: ((queue: string) => boolean) | undefined;
}

/** Reads or makes a trace. @throws {TraceError} */
export function readTrace({ trace, seed, queue, isPool }: TraceChoice, path = trace): Trace {
  if (isSynthetic(trace)) return { name: trace, jobs: synthesize(trace, seed) };
  const kind = /\.(swf|csv)(\.gz)?$/.exec(trace)?.[1];
  if (kind === undefined) {
    throw new TraceError(`${trace}: a trace is a file .swf or .csv, with or without .gz, or synthetic:<name>`);
  }
  const text = textOf(path, trace);
  const jobs = kind === "swf" ? parseSwf(text, trace) : parseCsv(text, trace, { queue, isPool });
  const [first] = jobs.toSorted((one, other) => one.at - other.at);
  if (!first) throw new TraceError(`${trace}: holds no job${queue === undefined ? "" : ` of queue ${queue}`}`);
  const sorted = jobs.map((job) => ({ ...job, at: job.at - first.at })).sort((one, other) => one.at - other.at);
  return { name: basename(trace), jobs: sorted };
}

function textOf(path: string, shown: string): string {
  try {
    const bytes = readFileSync(path);
    return (shown.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = error instanceof Error ? error.message : String(error);
    throw new TraceError(`${shown}: ${isGone ? "there is no such file" : why}`);
  }
}

const swfFields = 18;

/**
 * The Standard Workload Format: 18 numbers a line, `;` before comments. Field 2 is the time of submission, field 4 the
 * run time, both in seconds. A job without a known run time never ran, so it is left out.
 *
 * @see https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
 */
export function parseSwf(text: string, file: string): TraceJob[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const content = line.trim();
    if (content === "" || content.startsWith(";")) return [];
    const fields = content.split(/\s+/).map(Number);
    const [, at, , seconds] = fields;
    if (fields.length !== swfFields || fields.some(Number.isNaN) || at === undefined || seconds === undefined) {
      throw new TraceError(`${file}:${index + 1}: expected ${swfFields} numbers, found ${JSON.stringify(content)}`);
    }
    if (at < 0) throw new TraceError(`${file}:${index + 1}: field 2, the time of submission, is below 0: ${at}`);
    return seconds > 0 ? [{ at, seconds }] : [];
  });
}
