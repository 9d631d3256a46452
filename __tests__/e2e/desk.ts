import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { expect } from "vitest";
import * as z from "zod";
import { keepLogs } from "./function-logs.ts";
import type { DeployedFunction } from "./lambda.ts";
import type { Operator } from "./operator.ts";

const pool = z.looseObject({
  pool: z.string(),
  queued: z.number().nullable(),
  running: z.number().nullable(),
  decisions: z.array(z.looseObject({ action: z.string(), reason: z.string() })),
});
const agent = z.looseObject({ agent: z.string(), pool: z.string(), state: z.string() });
const status = z.looseObject({
  pools: z.array(pool),
  agents: z.array(agent),
  secrets: z.array(z.object({ secret: z.string(), has_value: z.boolean() })),
  unread: z.array(z.unknown()),
});
const finding = z.looseObject({ id: z.string(), severity: z.string(), evidence: z.array(z.string()) });
const diagnosis = z.looseObject({ findings: z.array(finding) });

/**
 * What an operator sees of a running fleet. The emulator runs no functions and judges no alarms: the loop's lines get
 * into its logs here, and alarms leave the state INSUFFICIENT_DATA in which they begin.
 */
export interface Desk {
  /** `fleet status --json`, which must be able to read every part. */
  status(): Promise<z.output<typeof status>>;
  /** What `fleet doctor` finds. Its exit code must fit the worst of it. */
  doctor(): Promise<readonly z.output<typeof finding>[]>;
  /** The ids of what `fleet doctor` finds. */
  findings(): Promise<readonly string[]>;
  close(): void;
}

/** The desk of a fleet. `loops` are the containers of its loop. */
export async function openDesk(
  {
    stack,
    loops,
    operator,
  }: { readonly stack: string; readonly loops: readonly DeployedFunction[]; readonly operator: Operator },
  at: { readonly endpoint: string; readonly region: string },
): Promise<Desk> {
  const logs = await Promise.all(loops.map((loop, index) => keepLogs(loop, { ...at, stream: `container-${index}` })));
  await calmAlarms(stack, at);
  async function ask(command: string): Promise<{ readonly code: number; readonly answer: unknown }> {
    for (const each of logs) await each.send();
    const { code, stdout, stderr } = await operator.fleet(["--json", command, stack]);
    expect(stdout, stderr).toMatch(/^\{/);
    return { code, answer: JSON.parse(stdout) };
  }
  async function examine(): Promise<readonly z.output<typeof finding>[]> {
    const { code, answer } = await ask("doctor");
    const { findings } = diagnosis.parse(answer);
    const worst = ["error", "unknown"].find((each) => findings.some(({ severity }) => severity === each));
    expect(code).toBe(worst === "error" ? 1 : worst === "unknown" ? 3 : 0);
    return findings;
  }
  return {
    async status() {
      const { code, answer } = await ask("status");
      const read = status.parse(answer);
      expect({ code, unread: read.unread }).toEqual({ code: 0, unread: [] });
      return read;
    },
    doctor: examine,
    findings: async () => (await examine()).map(({ id }) => id),
    close() {
      for (const each of logs) each.close();
    },
  };
}

async function calmAlarms(stack: string, at: { readonly endpoint: string; readonly region: string }): Promise<void> {
  const client = new CloudWatchClient({ ...at, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const alarms = await client.send(new DescribeAlarmsCommand({ AlarmNamePrefix: `${stack}-`, MaxRecords: 100 }));
  for (const { AlarmName } of alarms.MetricAlarms ?? []) {
    await client.send(new SetAlarmStateCommand({ AlarmName, StateValue: "OK", StateReason: "no breach" }));
  }
  client.destroy();
}
