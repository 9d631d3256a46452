import { stripVTControlCharacters } from "node:util";
import {
  CloudWatchLogsClient,
  CloudWatchLogsServiceException,
  GetLogEventsCommand,
  ResourceNotFoundException as NoSuchLog,
} from "@aws-sdk/client-cloudwatch-logs";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import type { BuildLog } from "./image-build.ts";

/**
 * Reads the log of one build. Each call resolves to the new lines since the last call; there are none while there is no
 * log. An identity that may start a build may lack the right to read its log: the reader reports that once.
 */
export function createLogReader(region: string): (log: BuildLog | undefined) => Promise<string[]> {
  const logs = new CloudWatchLogsClient({ ...clientOptions, region });
  let nextToken: string | undefined;
  let refused = false;
  return async (log) => {
    const lines: string[] = [];
    if (!log || refused) return lines;
    const position = { logGroupName: log.group, logStreamName: log.stream, startFromHead: true };
    try {
      for (;;) {
        const page = await logs.send(new GetLogEventsCommand({ ...position, nextToken }));
        lines.push(
          ...(page.events ?? []).map(({ message = "" }) => stripVTControlCharacters(message).replace(/\r?\n$/, "")),
        );
        // At the end of a log CloudWatch returns the same token again.
        if (page.nextForwardToken === undefined || page.nextForwardToken === nextToken) return lines;
        nextToken = page.nextForwardToken;
      }
    } catch (error) {
      // A build names its stream before the stream exists.
      if (error instanceof NoSuchLog) return lines;
      if (!(error instanceof CloudWatchLogsServiceException) || error.name !== "AccessDeniedException") throw error;
      refused = true;
      return [...lines, `The log cannot be read: ${error.message}`];
    }
  };
}
