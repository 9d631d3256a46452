import * as z from "zod";
import type { Agent } from "./model.ts";
import type { Clock, Notebook } from "./ports.ts";
import { oldestFirst } from "./removal-order.ts";

/** DynamoDB takes at most 400 KB an item. */
const shownAgents = 1000;

const time = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

/**
 * How the loop sees a pool that is being drained, for the operator who waits. The loop writes it in each tick under a
 * drain, after it has read the drain: no tick after the first report launches an agent.
 */
export const drainReport = z.object({
  at: time,
  /** The oldest ones, at most 1000. */
  agents: z.array(
    z.object({
      name: z.string(),
      /** Task ARN or instance id. */
      id: z.string(),
      /** A state of the loop's. */
      state: z.string(),
      role: z.string().optional(),
      launchedAt: time,
    }),
  ),
});

/** See {@link drainReport}. */
export type DrainReport = z.output<typeof drainReport>;

/** The name of a pool's report in the fleet's state table. */
export function drainReportName(poolName: string): string {
  return `drain ${poolName}`;
}

/** Writes the report of a tick. */
export async function reportDrain(
  {
    drainReport: notebook,
    clock,
  }: { readonly drainReport?: Pick<Notebook, "write"> | undefined; readonly clock: Clock },
  agents: readonly Agent[],
): Promise<void> {
  const shown = [...agents].sort(oldestFirst).slice(0, shownAgents);
  const report = {
    at: clock.now(),
    agents: shown.map(({ name, capacityId, state, role, launchedAt }) => ({
      name,
      id: capacityId,
      state,
      role,
      launchedAt,
    })),
  };
  await notebook?.write(drainReport.encode(report));
}
