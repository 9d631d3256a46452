import { type CloudWatchLogsClient, GetLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { agentLogOf } from "../agent-log.ts";
import { reasonOf } from "../part.ts";
import type { FleetStack } from "../picture.ts";
import { clockTime } from "../words.ts";
import type { Finding } from "./finding.ts";

/** Machines whose log is shown, and lines of each. */
const most = { machines: 3, lines: 5 } as const;

/** Adds the last lines that agents wrote to findings about them. A log that cannot be read says why. */
export function withTails(
  findings: readonly Finding[],
  stack: FleetStack,
  logs: CloudWatchLogsClient,
): Promise<readonly Finding[]> {
  return Promise.all(
    findings.map(async (finding) => {
      const machines = (finding.machines ?? []).slice(0, most.machines);
      const tails = await Promise.all(machines.map((machine) => tailOf(machine, stack, logs)));
      return { ...finding, evidence: [...finding.evidence, ...tails.flat()] };
    }),
  );
}

async function tailOf(
  machine: { readonly id: string; readonly poolName: string },
  stack: FleetStack,
  logs: CloudWatchLogsClient,
): Promise<string[]> {
  const { group, stream } = agentLogOf(stack, machine);
  const label = `Log of ${stream.split("/").at(-1)}`;
  try {
    const { events = [] } = await logs.send(
      new GetLogEventsCommand({ logGroupName: group, logStreamName: stream, startFromHead: false, limit: most.lines }),
    );
    if (events.length === 0) return [`${label}: it has written nothing (${group})`];
    return events.map(
      ({ timestamp = 0, message = "" }) =>
        `${label}: ${clockTime(new Date(timestamp))} ${message.trimEnd().slice(0, 300)}`,
    );
  } catch (error) {
    return [`${label}: could not be read: ${reasonOf(error, ["logs:GetLogEvents"])}`];
  }
}
