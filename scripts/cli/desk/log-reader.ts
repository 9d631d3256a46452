import { type CloudWatchLogsClient, paginateFilterLogEvents } from "@aws-sdk/client-cloudwatch-logs";
import type { LogEvent } from "./log-lines.ts";

/** Which lines of a log group. */
export interface LogQuery {
  readonly group: string;
  readonly since: Date;
  readonly until?: Date | undefined;
  /** Only these streams. */
  readonly streams?: readonly string[] | undefined;
  /** A filter pattern of CloudWatch Logs. */
  readonly pattern?: string | undefined;
}

/**
 * The lines in the order of their time, from all pages. A page may be empty although more follow:
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function* readLines(
  logs: CloudWatchLogsClient,
  { group, since, until, streams, pattern }: LogQuery,
): AsyncGenerator<LogEvent> {
  const query = {
    logGroupName: group,
    startTime: since.getTime(),
    endTime: until?.getTime(),
    logStreamNames: streams && [...streams],
    filterPattern: pattern,
  };
  for await (const { events = [] } of paginateFilterLogEvents({ client: logs }, query)) {
    for (const { eventId: id, timestamp, logStreamName: stream = "", message = "" } of events) {
      if (timestamp === undefined) continue;
      const text = message.replace(/\r?\n$/, "");
      yield { id: id ?? `${stream} ${timestamp} ${text}`, at: new Date(timestamp), stream, text };
    }
  }
}
