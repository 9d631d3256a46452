import { type CloudWatchLogsClient, ResourceNotFoundException } from "@aws-sdk/client-cloudwatch-logs";
import { UserError } from "../../lib/errors.ts";
import type { LogEvent } from "../log-lines.ts";
import { readLines } from "../log-reader.ts";
import type { LogSource } from "./sources.ts";

/** A line, and the log group that it is in. */
export interface ReadLine extends LogEvent {
  readonly group: string;
}

/**
 * CloudWatch shows a line when it has arrived, which may be after later ones of other streams: a host sends its lines in
 * batches. So each look begins this long before the newest line, and leaves out the lines that were there already.
 * That no line comes later than this is assumed.
 */
const lateMilliseconds = 120_000;

/** Reads the lines that are new since the last call, in the order of their time. */
export type Follower = () => Promise<readonly ReadLine[]>;

/** See {@link Follower}. The first call reads all since `since`. Throws {@link UserError} for a log that is not there. */
export function createFollower(logs: CloudWatchLogsClient, sources: readonly LogSource[], since: Date): Follower {
  const readers = sources.map((source) => createReader(logs, source, since));
  return async () => {
    const parts = await Promise.all(readers.map((read) => read()));
    return parts.flat().sort((a, b) => a.at.getTime() - b.at.getTime());
  };
}

function createReader(logs: CloudWatchLogsClient, { group, streams, missing }: LogSource, since: Date): Follower {
  let from = since;
  /** By id, with the time: the lines since {@link from} that were read. */
  let known = new Map<string, number>();
  return async () => {
    const lines: ReadLine[] = [];
    let newest = from.getTime() + lateMilliseconds;
    try {
      for await (const line of readLines(logs, { group, streams, since: from })) {
        newest = Math.max(newest, line.at.getTime());
        if (known.has(line.id)) continue;
        known.set(line.id, line.at.getTime());
        lines.push({ ...line, group });
      }
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      if (missing === undefined) return [];
      throw new UserError(`There is no log ${[group, ...(streams ?? [])].join(" ")}.`, missing);
    }
    from = new Date(Math.max(since.getTime(), newest - lateMilliseconds));
    known = new Map([...known].filter(([, at]) => at >= from.getTime()));
    return lines;
  };
}
