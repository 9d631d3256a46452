import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { parseCsv } from "./csv.ts";
import { isSynthetic, synthesize } from "./synthetic.ts";
import { type Trace, TraceError, type TraceLine } from "./trace-job.ts";

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
  const sorted = jobs.toSorted((one, other) => one.at - other.at);
  const [first] = sorted;
  if (!first) throw new TraceError(`${trace}: holds no job${queue === undefined ? "" : ` of queue ${queue}`}`);
  const late = sorted.find(({ at, seconds }) => at + seconds - first.at > longestYears * yearSeconds);
  if (late) {
    const ends = `${trace}:${late.line}: the job ends more than ${longestYears} years after the first one begins`;
    throw new TraceError(`${ends}, in line ${first.line}. A trace covers ${longestYears} years at most`);
  }
  return { name: basename(trace), jobs: sorted.map(({ line: _, ...job }) => ({ ...job, at: job.at - first.at })) };
}

/** A run of more would take hours; and such times are mostly milliseconds, or jobs that never ended. */
const longestYears = 10;
const yearSeconds = 366 * 86_400;

const longestMiB = 256;

function textOf(path: string, shown: string): string {
  const fail = (why: string): never => {
    throw new TraceError(`${shown}: ${why}`);
  };
  const isZipped = shown.endsWith(".gz");
  const tooLong = `holds more than ${longestMiB} MiB of text`;
  try {
    const found = statSync(path);
    // Nobody may ever write to a pipe, so reading one could wait for ever.
    if (!found.isFile())
      return fail(`is ${found.isDirectory() ? "a folder" : "a pipe or a device"}, and must be a file`);
    if (found.size > longestMiB * 2 ** 20) return fail(tooLong);
    const bytes = readFileSync(path);
    return (isZipped ? gunzipSync(bytes, { maxOutputLength: longestMiB * 2 ** 20 }) : bytes).toString("utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (error instanceof TraceError) throw error;
    if (code === "ENOENT") return fail("there is no such file");
    if (code === "ERR_BUFFER_TOO_LARGE") return fail(tooLong);
    const why = error instanceof Error ? error.message : String(error);
    return fail(isZipped && String(code).startsWith("Z_") ? `cannot be unzipped, or is cut short: ${why}` : why);
  }
}

const swfFields = 18;

/**
 * The Standard Workload Format: 18 numbers a line, `;` before comments. Field 2 is the time of submission, field 4 the
 * run time, both in seconds. A job without a known run time never ran, so it is left out.
 *
 * @see https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
 */
export function parseSwf(text: string, file: string): TraceLine[] {
  return text.split(/\r\n?|\n/).flatMap((line, index) => {
    const content = line.trim();
    if (content === "" || content.startsWith(";")) return [];
    const fields = content.split(/\s+/).map(Number);
    const [, at, , seconds] = fields;
    if (fields.length !== swfFields || !fields.every(Number.isFinite) || at === undefined || seconds === undefined) {
      throw new TraceError(
        `${file}:${index + 1}: expected ${swfFields} numbers, found ${JSON.stringify(content.slice(0, 80))}`,
      );
    }
    if (at < 0) throw new TraceError(`${file}:${index + 1}: field 2, the time of submission, is below 0: ${at}`);
    return seconds > 0 ? [{ line: index + 1, at, seconds }] : [];
  });
}
