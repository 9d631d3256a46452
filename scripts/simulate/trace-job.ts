/** One job of a trace. Times in seconds. */
export interface TraceJob {
  /** Since the first job of the trace. */
  readonly at: number;
  readonly seconds: number;
  /** Jobs of one workspace run one after another. Left out: the job waits for no other. */
  readonly workspace?: string | undefined;
  /** The pool whose agents may take it. Left out: those of the first one. */
  readonly queue?: string | undefined;
}

/** A job as a file has it, with times since any moment, and its line. */
export interface TraceLine extends TraceJob {
  readonly line: number;
}

/** The jobs of some days, in the order of their submission. */
export interface Trace {
  readonly name: string;
  readonly jobs: readonly TraceJob[];
}

/** A trace that cannot be read. Its message names the file, and the line where one is wrong. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}
