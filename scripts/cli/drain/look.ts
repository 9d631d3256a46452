import type { Clock } from "../../../handlers/lib/core/ports.ts";
import type { WatchedPool } from "./pool.ts";
import { type Leaving, waitOf } from "./waits.ts";

/** A machine that is still there, as `--json` prints it. */
export interface Left {
  readonly agent: string;
  /** Task ARN or instance id. */
  readonly machine: string;
  readonly pool: string | null;
  /** A state of the loop's; `unknown`: the loop does not know the machine, or has not looked yet. */
  readonly state: string;
  readonly waits_for: string;
  readonly advice: string | null;
}

/** One look at a fleet that is being drained. */
export interface Look {
  readonly left: readonly Left[];
  /** Whether the loop has looked at each pool since the drain began. Until then it may launch agents. */
  readonly loopKnows: boolean;
  /** Since when some pool has not been looked at, if that is too long ago. */
  readonly loopLateSince: Date | undefined;
}

/** A loop that has not looked for so long does not work: the schedule calls it every minute. */
const lateMilliseconds = 180_000;

/** Looks once: AWS says which machines are left, and the loop's report what they do. */
export async function lookAt(
  pools: readonly { readonly watched: WatchedPool; readonly leaving: Leaving; readonly since: Date }[],
  clock: Clock,
): Promise<Look> {
  const looks = await Promise.all(
    pools.map(async ({ watched, leaving, since }) => {
      // The report first: what AWS shows after a report without a machine is the end.
      const report = await watched.readReport();
      const known = report !== undefined && report.at >= since ? report : undefined;
      const machines = await watched.capacity.remaining();
      const agents = new Map(known?.agents.map((agent) => [agent.id, agent]));
      const left = machines.map((machine): Left => {
        const agent = agents.get(machine);
        const wait = known ? waitOf(agent, leaving) : { for: "the loop, which has not looked since the drain began" };
        return {
          agent: agent?.name ?? nameOf(machine),
          machine,
          pool: watched.pool ?? null,
          state: agent?.state ?? "unknown",
          waits_for: wait.for,
          advice: wait.advice ?? null,
        };
      });
      return { left, known: known !== undefined, seen: known?.at ?? since };
    }),
  );
  const oldest = Math.min(...looks.map(({ seen }) => seen.getTime()));
  return {
    left: looks.flatMap(({ left }) => left),
    loopKnows: looks.every(({ known }) => known),
    loopLateSince: clock.now().getTime() - oldest > lateMilliseconds ? new Date(oldest) : undefined,
  };
}

function nameOf(machine: string): string {
  return machine.split("/").at(-1) ?? machine;
}
