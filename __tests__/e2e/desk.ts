import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import * as z from "zod";
import type { DeployedFunction } from "./lambda.ts";
import type { Operator } from "./operator.ts";

const status = z.object({
  pools: z.tuple([
    z.object({
      queued: z.number(),
      running: z.number(),
      wanted: z.number(),
      max: z.number(),
      paused: z.unknown(),
      agents: z.record(z.string(), z.number()),
    }),
  ]),
  agents: z.array(z.object({ agent: z.string(), state: z.string() })),
  secrets: z.array(z.object({ secret: z.string(), has_value: z.boolean() })),
});
const doctor = z.object({ findings: z.array(z.object({ id: z.string(), evidence: z.array(z.string()) })) });

/** The operator's desk of one deployed fleet: `fleet status` and `fleet doctor`, as processes of their own. */
export interface Desk {
  /** What `fleet status` says, after all that the loop has logged so far. */
  status(): Promise<z.output<typeof status>>;
  /** What `fleet doctor` finds: ids and evidence. */
  doctor(): Promise<z.output<typeof doctor>["findings"]>;
}

/**
 * Does what AWS does and the emulator does not: puts the loop's lines into its log group, and ends the state
 * INSUFFICIENT_DATA in which alarms begin.
 */
export function createDesk(at: {
  readonly fleet: string;
  readonly loop: DeployedFunction;
  readonly operator: Operator;
  /** Of the emulator. */
  readonly endpoint: string;
  readonly region: string;
}): Desk {
  const { fleet, loop, operator, endpoint, region } = at;
  const client = { region, endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const logs = new CloudWatchLogsClient(client);
  const cloudWatch = new CloudWatchClient(client);
  const to = { logGroupName: `/aws/lambda/${loop.name}`, logStreamName: "the-loop" };
  let isReady: Promise<unknown> | undefined;
  let sent = 0;
  let latest = 0;

  /** CloudWatch takes lines in the order of their times alone. One without a time comes with the line before it. */
  function timeAt(line: string): number {
    const [, time] = /"timestamp":"([^"]+)"/.exec(line) ?? [];
    latest = Math.max(latest || Date.now() - 60_000, time === undefined ? 0 : Date.parse(time));
    return latest;
  }

  async function calmAlarms(): Promise<void> {
    const { MetricAlarms = [] } = await cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: `${fleet}-`, MaxRecords: 100 }),
    );
    for (const { AlarmName } of MetricAlarms) {
      await cloudWatch.send(new SetAlarmStateCommand({ AlarmName, StateValue: "OK", StateReason: "no breach" }));
    }
  }

  async function sendLogs(): Promise<void> {
    isReady ??= Promise.all([logs.send(new CreateLogStreamCommand(to)), calmAlarms()]);
    await isReady;
    const end = loop.logs.lastIndexOf("\n") + 1;
    const lines = loop.logs.slice(sent, end).split("\n");
    sent = end;
    const logEvents = lines.filter((line) => line !== "").map((message) => ({ message, timestamp: timeAt(message) }));
    if (logEvents.length > 0) await logs.send(new PutLogEventsCommand({ ...to, logEvents }));
  }

  async function ask(command: string): Promise<unknown> {
    await sendLogs();
    const { stdout, stderr } = await operator.fleet(["--json", command, fleet]);
    if (stdout === "") throw new Error(`fleet ${command} ${fleet} said nothing: ${stderr}`);
    return JSON.parse(stdout);
  }

  return {
    status: async () => status.parse(await ask("status")),
    doctor: async () => doctor.parse(await ask("doctor")).findings,
  };
}
