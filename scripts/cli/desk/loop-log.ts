import { type CloudWatchLogsClient, ResourceNotFoundException } from "@aws-sdk/client-cloudwatch-logs";
import { type DecisionLine, type TroubleLine, understand } from "./log-lines.ts";
import { readLines } from "./log-reader.ts";

/** What the loop logged lately. */
export interface LoopLog {
  /** Newest first, by the pool's name as agents' names have it. */
  readonly decisions: ReadonlyMap<string, readonly DecisionLine[]>;
  /** How long the oldest job had waited at the last tick, in seconds, by the same names. */
  readonly oldestQueuedSeconds: ReadonlyMap<string, number>;
  /** Warnings and errors, newest first. */
  readonly troubles: readonly TroubleLine[];
}

const minute = 60_000;
/** How far back each step looks. A loop that works is in the first. */
const steps = [15 * minute, 60 * minute, 24 * 60 * minute];
/** A pool keeps so many decisions. */
const kept = 100;

/**
 * Reads the loop's log of the last 15 minutes. Without any decision there, looks back for a day.
 *
 * @throws errors of CloudWatch Logs, one in our words if the log group is missing
 */
export async function readLoopLog(
  { stack, now }: { readonly stack: string; readonly now: Date },
  logs: CloudWatchLogsClient,
): Promise<LoopLog> {
  const group = `/aws/lambda/${stack}-autoscale`;
  const decisions = new Map<string, DecisionLine[]>();
  const oldestQueuedSeconds = new Map<string, number>();
  const troubles: TroubleLine[] = [];
  let until: Date | undefined;
  try {
    for (const back of steps) {
      const since = new Date(now.getTime() - back);
      for await (const event of readLines(logs, { group, since, until })) {
        const said = understand(event);
        if (said.type === "trouble") troubles.unshift(said.trouble);
        if (said.type === "metrics" && said.oldestQueuedSeconds !== undefined) {
          oldestQueuedSeconds.set(poolName(stack, said.pool), said.oldestQueuedSeconds);
        }
        if (said.type !== "decision") continue;
        const { pool } = said.decision;
        decisions.set(pool, [said.decision, ...(decisions.get(pool) ?? [])].slice(0, kept));
      }
      if (decisions.size > 0) break;
      until = since;
    }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new Error(`the log group ${group} does not exist: the loop has never run, or somebody deleted it`);
  }
  troubles.sort((a, b) => b.at.getTime() - a.at.getTime());
  return { decisions, oldestQueuedSeconds, troubles };
}

/** The prefix of a pool's agents, see handlers/autoscale/pools.ts. */
function poolName(stack: string, pool: string | undefined): string {
  return pool === undefined ? stack : `${stack}.${pool}`;
}
