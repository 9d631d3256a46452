import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runFleet } from "../../../handlers/autoscale/fleet.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createRunTaskPace } from "../../../handlers/lib/aws/ecs-launcher.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { Metrics, Vendor } from "../../../handlers/lib/core/ports.ts";
import { lowestFloor } from "../../../handlers/lib/core/schedule.ts";
import type { Trouble } from "../faults.ts";
import type { Pool } from "../pool.ts";
import type { EventClock } from "../world/event-clock.ts";
import { silentLog } from "../world/silence.ts";
import { createLoopFunction, functionTimeoutSeconds, type LoopFunction } from "./function.ts";
import { createLookQueue } from "./queue.ts";
import { runListServer, withRunLists } from "./run-lists.ts";
import { createSharedState } from "./state.ts";

/** Time for acting after the vendor's answer, as in handlers/autoscale/index.ts. */
const reserveSeconds = 30;

/** A pass starts no look if less than this is left, as in handlers/autoscale/index.ts. */
const lastLookSeconds = 70;

/** One pool as the loop works on it. */
export interface LoopPool extends Pool {
  /** A new container's vendor. Left out: the world's own. */
  readonly vendor?: Vendor | undefined;
}

interface LoopOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly pools: readonly LoopPool[];
  readonly tickSeconds: number;
  readonly trouble: Trouble;
  readonly onAwsCall: () => void;
  /** Whether the vendor limits lists of runs, as HCP Terraform does. */
  readonly listsRuns: boolean;
  /** Called with each further page of such a list. */
  readonly onPage: () => void;
}

/** Begins the loop as it is deployed: its own code in a function that a schedule invokes every minute. */
export function startLoop({
  clock,
  random,
  pools,
  tickSeconds,
  trouble,
  onAwsCall,
  ...run
}: LoopOptions): LoopFunction {
  const server = runListServer(clock);
  const state = createSharedState(clock, onAwsCall);
  const nextLooks = createLookQueue({
    clock,
    random,
    trouble: () => trouble.queue,
    onSend: onAwsCall,
    deliver: (dueAt) => loop.invoke({ by: "message", dueAt }),
  });
  let names = 0;

  const loop: LoopFunction = createLoopFunction({
    clock,
    random,
    coldStarts: trouble.coldStarts,
    onViolation: (what) => pools[0]?.world.violations.push(what),
    start() {
      let deadline: Date | undefined;
      let end: Date | undefined;
      const limited = (vendor: Vendor) =>
        run.listsRuns
          ? withRunLists(vendor, { clock, random, server, deadline: () => end, onPage: run.onPage })
          : vendor;
      const lease = state.lease();
      // AWS limits accounts, not pools.
      const pace = createRunTaskPace(clock);
      const all = pools.map(({ name, policy, world, connect, vendor = world.vendor }): AutoscaleDeps => {
        const notebookOf = (part?: string) => state.notebook(["capacity", name, part].filter(Boolean).join(" "));
        return {
          poolName: name,
          policy,
          tickSeconds,
          vendor: limited(troubled(vendor, trouble)),
          ...(policy.canRetire && { retirements: world.retirements }),
          capacity: connect({ notebookOf, pace }),
          lease,
          notebook: state.notebook(`loop ${name}`),
          memory: createMemory(),
          clock,
          log: silentLog,
          metrics: checking(policy, (what) => world.violations.push(`${what} at ${clock.seconds} s`)),
          newSuffix() {
            names += 1;
            return `n${names}`;
          },
        };
      });
      const readPools = () => Promise.resolve(all);
      return {
        fleet: { readPools, lease, nextLooks, clock, deadline: () => deadline, log: silentLog },
        /** Of an invocation that ends then at the latest. */
        until(timeout: Date) {
          deadline = new Date(timeout.getTime() - lastLookSeconds * 1000);
          end = new Date(timeout.getTime() - reserveSeconds * 1000);
        },
      };
    },
    run({ fleet, until }, call, startedAt) {
      const left = startedAt + functionTimeoutSeconds - clock.seconds;
      until(new Date(clock.now().getTime() + left * 1000));
      return runFleet(fleet, call);
    },
  });
  const everyMinute = () => {
    loop.invoke({ by: "schedule" });
    clock.after(60, everyMinute);
  };
  clock.after(random() * 60, everyMinute);
  return loop;
}

function troubled(vendor: Vendor, trouble: Trouble): Vendor {
  return {
    ...vendor,
    async readDemand() {
      const demand = await vendor.readDemand();
      trouble.askVendor();
      return demand;
    },
    async listAgents() {
      const agents = await vendor.listAgents();
      trouble.askVendor();
      return agents;
    },
  };
}

/** Looks at every tick's figures: the loop never wants fewer than the floor nor more than the ceiling. */
function checking(policy: Policy, onViolation: (what: string) => void): Metrics {
  const { max, maxAddedPerTick } = policy;
  return {
    record({ AgentsWanted: wanted, Launched: launched = 0 }) {
      const min = lowestFloor(policy);
      if (wanted !== undefined && (wanted < min || wanted > max)) onViolation(`${wanted} agents were wanted`);
      if (launched > maxAddedPerTick) onViolation(`${launched} agents were launched in one tick`);
    },
  };
}
