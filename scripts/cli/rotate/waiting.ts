import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { createWatchedPools } from "../drain/pool.ts";
import type { FleetTable } from "../lib/fleet-table.ts";
import { following, type Patience } from "../lib/following.ts";
import { readInForce } from "../lib/in-force.ts";

const pollMilliseconds = 10_000;
/** Functions keep a value so long. */
const cacheMilliseconds = 5 * 60_000;
/** AWS's services may disagree about the time by this much. */
const clockMilliseconds = 60_000;

/** Asks again and again until the answer is "" (done), and prints each other answer as it changes. */
export async function until(
  ask: () => Promise<string>,
  patience: Patience,
): Promise<"done" | "timeout" | "interrupted"> {
  const { say, pause } = following(patience, pollMilliseconds);
  for (;;) {
    const answer = await ask();
    if (answer === "") return "done";
    say(answer);
    const ending = await pause();
    if (ending) return ending;
  }
}

/** Asks AWS whether agents are left that started before a value was written. */
export function oldAgents(fleet: FleetTable, since: Date, clock: Clock): () => Promise<string> {
  const watch = createWatchedPools(fleet, clock);
  const newFrom = since.getTime() + clockMilliseconds;
  return async () => {
    const { pools } = await readInForce(fleet, clock.now());
    const readings = await Promise.all(pools.map(({ pool, settings }) => watch(pool, settings).capacity.read()));
    const old = readings
      .flatMap(({ members }) => members)
      .filter(({ phase, launchedAt }) => phase !== "ordered" && launchedAt.getTime() < newFrom)
      .map(({ agentName }) => agentName);
    if (old.length === 0) return "";
    const shown = old.slice(0, 5).join(", ");
    return `${old.length} agents still have the value from before: ${shown}${old.length > 5 ? ", …" : ""}`;
  };
}

/** Asks the loop's log whether the loop has decided after it had to read the new value. Needs `logs:FilterLogEvents`. */
export function loopHasDecided({ stack, region }: FleetTable, since: Date, clock: Clock): () => Promise<string> {
  const logs = new CloudWatchLogsClient({ ...clientOptions, region });
  const startTime = since.getTime() + cacheMilliseconds + clockMilliseconds;
  return async () => {
    if (clock.now().getTime() < startTime) return "the functions read the new value within six minutes";
    const logGroupName = `/aws/lambda/${stack}-autoscale`;
    const query = { logGroupName, startTime, filterPattern: '"decision"', limit: 1 };
    const { events = [], nextToken } = await logs.send(new FilterLogEventsCommand(query));
    if (events.length > 0 || nextToken) return events.length > 0 ? "" : "looks for a decision in the loop's log";
    return "the loop has not decided with the new value yet";
  };
}
