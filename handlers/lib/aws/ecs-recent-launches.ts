import * as z from "zod";
import type { Capacity, CapacityMember, Clock, LaunchRequest, Notebook } from "../core/ports.ts";

/** ListTasks may not show a new task for a while; until then we remember it ourselves. */
const confirmedMilliseconds = 120_000;
/** So long a launch without an answer may still turn out to have worked: it must not be made up for at once. */
const unconfirmedMilliseconds = 30_000;

const stored = z.object({
  launches: z.array(
    z.object({
      agentName: z.string(),
      role: z.enum(["floor", "burst"]),
      /** `null`: nobody knows yet whether ECS started the task. */
      arn: z.string().nullable(),
      at: z.number(),
    }),
  ),
});

type Launch = z.output<typeof stored>["launches"][number];

/** Told of every task that was started, and, without ARN, of those of which ECS left open whether it started them. */
type OnLaunched = (request: LaunchRequest, taskArn?: string) => void;

/**
 * The tasks that were launched a moment ago, whether ECS lists them already or not. They are written down before ECS is
 * asked for them: a container that dies in between leaves them to the next one, which then launches none twice.
 */
export interface RecentLaunches {
  /** Reads them anew, since another container may have launched meanwhile. */
  members(): Promise<readonly CapacityMember[]>;
  /** A launcher whose launches are remembered. @param create makes the launcher, given whom it tells of its launches */
  remembering(create: (onLaunched: OnLaunched) => Capacity["launch"]): Capacity["launch"];
}

/** See {@link RecentLaunches}. */
export function createRecentLaunches(notebook: Notebook, clock: Clock): RecentLaunches {
  let launches: ReadonlyMap<string, Launch> = new Map();

  return {
    async members() {
      const { data } = stored.safeParse(await notebook.read());
      launches = new Map(fresh(data?.launches ?? []).map((launch) => [launch.agentName, launch]));
      return [...launches.values()].map(memberOf);
    },

    remembering(create) {
      const started = new Map<string, Launch>();
      const launch = create(({ agentName, role }, taskArn) => {
        started.set(agentName, { agentName, role, arn: taskArn ?? null, at: clock.now().getTime() });
      });
      return async (requests) => {
        if (requests.length === 0) return launch(requests);
        started.clear();
        const at = clock.now().getTime();
        await keep(requests.map((request) => ({ ...request, arn: null, at })));
        try {
          return await launch(requests);
        } finally {
          await keep([...started.values()]);
        }
      };
    },
  };

  /** Adds launches to those that the last reading found. */
  async function keep(added: readonly Launch[]): Promise<void> {
    await notebook.write({ launches: [...fresh([...launches.values()]), ...added] });
  }

  function fresh(all: readonly Launch[]): Launch[] {
    const now = clock.now().getTime();
    return all.filter(({ arn, at }) => at + (arn === null ? unconfirmedMilliseconds : confirmedMilliseconds) > now);
  }
}

function memberOf({ agentName, role, arn, at }: Launch): CapacityMember {
  return { id: arn ?? `unconfirmed ${agentName}`, agentName, role, phase: "pending", launchedAt: new Date(at) };
}
