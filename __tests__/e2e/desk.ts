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
const status = z.looseObject({ pools: z.array(pool), agents: z.array(agent), unread: z.array(z.unknown()) });
const diagnosis = z.looseObject({ findings: z.array(z.looseObject({ id: z.string(), severity: z.string() })) });

/** What an operator sees of a running fleet. The emulator runs no functions, so its logs get here what the loop writes. */
export interface Desk {
  /** `fleet status --json`, which must be able to read every part. */
  status(): Promise<z.output<typeof status>>;
  /** The ids of the findings of `fleet doctor`, whose exit code must fit the worst of them. */
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
  async function ask(command: string): Promise<{ readonly code: number; readonly answer: unknown }> {
    for (const each of logs) await each.send();
    const { code, stdout, stderr } = await operator.fleet(["--json", command, stack]);
    expect(stdout, stderr).toMatch(/^\{/);
    return { code, answer: JSON.parse(stdout) };
  }
  return {
    async status() {
      const { code, answer } = await ask("status");
      const read = status.parse(answer);
      expect({ code, unread: read.unread }).toEqual({ code: 0, unread: [] });
      return read;
    },
    async findings() {
      const { code, answer } = await ask("doctor");
      const { findings } = diagnosis.parse(answer);
      const worst = ["error", "unknown"].find((each) => findings.some(({ severity }) => severity === each));
      expect(code).toBe(worst === "error" ? 1 : worst === "unknown" ? 3 : 0);
      return findings.map(({ id }) => id);
    },
    close() {
      for (const each of logs) each.close();
    },
  };
}
