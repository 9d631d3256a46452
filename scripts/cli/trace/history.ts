import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { csvCell } from "../../simulate/csv-text.ts";

/** A job that an agent has done. */
export interface PastJob {
  /** When it began to wait for an agent. */
  readonly submittedAt: Date;
  /** How long an agent worked on it. */
  readonly durationSeconds: number;
  /** The name of the agent pool at the vendor. */
  readonly queue: string;
  /** Jobs of one workspace run one after another. */
  readonly workspace?: string | undefined;
}

/** Why something in a vendor's history is no job of a trace. */
export type WhyNot =
  /** It was cancelled or failed before an agent took it. */
  | "never_ran"
  /** It waits or runs. */
  | "not_over"
  /** Its times are missing, no times, or in the wrong order. */
  | "unreadable";

/** What an entry of a vendor's history is. */
export type Found = PastJob | WhyNot;

/** What a vendor told of the past. */
export interface History {
  /** Oldest first. */
  readonly jobs: readonly PastJob[];
  readonly leftOut: Readonly<Record<WhyNot, number>>;
}

/** The history of these entries, with the jobs submitted since `since`. */
export function historyOf(found: Iterable<Found>, since: Date): History {
  const leftOut = { never_ran: 0, not_over: 0, unreadable: 0 };
  const jobs: PastJob[] = [];
  for (const each of found) {
    if (typeof each === "string") leftOut[each] += 1;
    else if (each.submittedAt >= since) jobs.push(each);
  }
  jobs.sort((one, other) => one.submittedAt.getTime() - other.submittedAt.getTime());
  return { jobs, leftOut };
}

/** A job by the texts of its times. Without a start it never ran, without an end it is not over. */
export function jobOf(
  times: { readonly submitted: unknown; readonly started: unknown; readonly ended: unknown },
  where: Pick<PastJob, "queue" | "workspace">,
): Found {
  const [submitted, started, ended] = [timeOf(times.submitted), timeOf(times.started), timeOf(times.ended)];
  if (submitted === undefined || started === undefined || ended === undefined) return "unreadable";
  if (ended < started || started < submitted) return "unreadable";
  return { submittedAt: new Date(submitted), durationSeconds: (ended - started) / 1000, ...where };
}

/** Milliseconds since 1970 of an ISO 8601 text; `undefined`: it is none. */
export function timeOf(text: unknown): number | undefined {
  if (typeof text !== "string" || !/^\d{4}-\d{2}-\d{2}T/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** The rows of a trace, as `--json` and CSV show them. */
export function rowsOf({ jobs }: History) {
  return jobs.map(({ submittedAt, durationSeconds, queue, workspace }) => ({
    submitted_at: submittedAt.toISOString(),
    duration_seconds: durationSeconds,
    queue,
    workspace: workspace ?? null,
  }));
}

/** A trace as `fleet simulate` reads it, without a line break at the end. */
export function csvOf(history: History): string {
  const rows = rowsOf(history).map((row) =>
    Object.values(row)
      .map((value) => csvCell(visibleLine(String(value ?? ""))))
      .join(","),
  );
  return ["submitted_at,duration_seconds,queue,workspace", ...rows].join("\n");
}
