import * as z from "zod";
import type { Capacity, CapacityMember, Clock, LaunchRequest, Notebook } from "../core/ports.ts";

/** ListTasks may show a new task late; until then we remember it ourselves. */
const rememberedMilliseconds = 120_000;
/** A launch without an answer may still have worked for this long, so the loop must not repeat it at once. */
const unansweredMilliseconds = 30_000;

const stored = z.object({
  launches: z.array(
    z.object({
      agentName: z.string(),
      role: z.enum(["floor", "burst"]),
      /** `null`: ECS has not confirmed the task. */
      arn: z.string().nullable(),
      /**
       * Written before ECS is asked. Only a container that died meanwhile leaves it so: then the task may have started
       * long after `at`, since many launches take a while, and ECS lists it later still.
       */
      asked: z.boolean().default(false),
      at: z.number(),
    }),
  ),
});

type Launch = z.output<typeof stored>["launches"][number];

/** Called for every started task, and without ARN if ECS did not answer whether it started the task. */
type OnLaunched = (request: LaunchRequest, taskArn?: string) => void;

/**
 * The tasks of the last moments, whether ECS lists them already or not. They are stored before the launch: if a
 * container dies in between, the next one knows them and launches none twice.
 */
export interface RecentLaunches {
  /** Reads them again, since another container may have launched meanwhile. */
  members(): Promise<readonly CapacityMember[]>;
  /** A launcher whose launches are remembered. @param create makes the launcher from a callback for its launches */
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
        started.set(agentName, { agentName, role, arn: taskArn ?? null, asked: false, at: clock.now().getTime() });
      });
      return async (requests) => {
        if (requests.length === 0) return launch(requests);
        started.clear();
        const at = clock.now().getTime();
        await keep(requests.map((request) => ({ ...request, arn: null, asked: true, at })));
        try {
          return await launch(requests);
        } finally {
          await keep([...started.values()]);
        }
      };
    },
  };

  /** Adds launches to those of the last reading. */
  async function keep(added: readonly Launch[]): Promise<void> {
    await notebook.write({ launches: [...fresh([...launches.values()]), ...added] });
  }

  function fresh(all: readonly Launch[]): Launch[] {
    const now = clock.now().getTime();
    return all.filter(({ arn, asked, at }) => {
      return at + (arn === null && !asked ? unansweredMilliseconds : rememberedMilliseconds) > now;
    });
  }
}

function memberOf({ agentName, role, arn, at }: Launch): CapacityMember {
  return { id: arn ?? `unconfirmed ${agentName}`, agentName, role, phase: "pending", launchedAt: new Date(at) };
}
