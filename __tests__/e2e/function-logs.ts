import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import type { DeployedFunction } from "./lambda.ts";

/** Brings a function's output into its log group, as Lambda does. Only what reads logs, such as `fleet status`, needs it. */
export interface FunctionLogs {
  /** Sends the lines since the last call. */
  send(): Promise<void>;
  close(): void;
}

/** The log group is Terraform's and must exist. @param at.stream a name of its own for each container of a function */
export async function keepLogs(
  target: DeployedFunction,
  {
    endpoint,
    region,
    stream: logStreamName,
  }: { readonly endpoint: string; readonly region: string; readonly stream: string },
): Promise<FunctionLogs> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new CloudWatchLogsClient({ endpoint, region, credentials });
  const stream = { logGroupName: `/aws/lambda/${target.name}`, logStreamName };
  await client.send(new CreateLogStreamCommand(stream));
  let sent = 0;
  return {
    async send() {
      const { logs } = target;
      const end = logs.lastIndexOf("\n") + 1;
      const lines = logs.slice(sent, end).split("\n");
      sent = Math.max(sent, end);
      const logEvents = lines
        .filter((line) => line.trim() !== "")
        .map((message) => ({ message, timestamp: timeOf(message) ?? Date.now() }));
      if (logEvents.length === 0) return;
      logEvents.sort((one, other) => one.timestamp - other.timestamp);
      await client.send(new PutLogEventsCommand({ ...stream, logEvents }));
    },
    close() {
      client.destroy();
    },
  };
}

/** The time that the loop's logger has put into a line. */
function timeOf(line: string): number | undefined {
  const written = /^\{.*"timestamp":"([^"]+)"/.exec(line)?.[1];
  const time = written === undefined ? Number.NaN : Date.parse(written);
  return Number.isNaN(time) ? undefined : time;
}
