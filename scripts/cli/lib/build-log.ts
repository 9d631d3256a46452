import {
  CloudWatchLogsClient,
  CloudWatchLogsServiceException,
  GetLogEventsCommand,
  ResourceNotFoundException as NoSuchLog,
} from "@aws-sdk/client-cloudwatch-logs";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import type { BuildLog } from "./image-build.ts";

/**
 * Reads the log of one build: resolves to the lines that have come since its last call, none while there is no log. Who may
 * start a build need not be one who may read its log: such a reader says so, once.
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
        lines.push(...(page.events ?? []).map(({ message = "" }) => message.replace(/\r?\n$/, "")));
        // The end of a log is where CloudWatch gives back the token that it was given.
        if (page.nextForwardToken === undefined || page.nextForwardToken === nextToken) return lines;
        nextToken = page.nextForwardToken;
      }
    } catch (error) {
      // A build names its stream before anything is in it.
      if (error instanceof NoSuchLog) return lines;
      if (!(error instanceof CloudWatchLogsServiceException) || error.name !== "AccessDeniedException") throw error;
      refused = true;
      return [...lines, `The log cannot be read: ${error.message}`];
    }
  };
}
