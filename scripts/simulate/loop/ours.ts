import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runFleet } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createRunTaskPace } from "../../../handlers/lib/aws/ecs-launcher.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { Metrics, Vendor } from "../../../handlers/lib/core/ports.ts";
import type { Trouble } from "../faults.ts";
import type { Pool } from "../pool.ts";
import type { EventClock } from "../world/event-clock.ts";
import { silentLog } from "../world/silence.ts";
import { createLoopFunction, functionTimeoutSeconds, type LoopFunction } from "./function.ts";
import { createSharedState } from "./state.ts";

/** A pass starts no tick if less than this is left, as in handlers/autoscale/index.ts. */
const lastTickSeconds = 70;

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
}

/** Begins the loop as it is deployed: its own code in a function that a schedule invokes every minute. */
export function startLoop({ clock, random, pools, tickSeconds, trouble, onAwsCall }: LoopOptions): LoopFunction {
  const state = createSharedState(clock, onAwsCall);
  let names = 0;

  const loop = createLoopFunction({
    clock,
    random,
    coldStarts: trouble.coldStarts,
    onViolation: (what) => pools[0]?.world.violations.push(what),
    start() {
      let deadline: Date | undefined;
      const lease = state.lease();
      // AWS limits accounts, not pools.
      const pace = createRunTaskPace(clock);
      const all = pools.map(({ name, policy, world, connect, vendor = world.vendor }): AutoscaleDeps => {
        const notebookOf = (part?: string) => state.notebook(["capacity", name, part].filter(Boolean).join(" "));
        return {
          poolName: name,
          policy,
          tickSeconds,
          vendor: troubled(vendor, trouble),
          ...(policy.canRetire && { retirements: world.retirements }),
          capacity: connect({ notebookOf, pace }),
          lease,
          notebook: state.notebook(`loop ${name}`),
          memory: createMemory(),
          clock,
          deadline: () => deadline,
          log: silentLog,
          metrics: checking(policy, (what) => world.violations.push(`${what} at ${clock.seconds} s`)),
          newSuffix() {
            names += 1;
            return `n${names}`;
          },
        };
      });
      return {
        fleet: { pools: all, lease, log: silentLog },
        until(end: Date) {
          deadline = end;
        },
      };
    },
    run({ fleet, until }, startedAt) {
      const left = startedAt + functionTimeoutSeconds - lastTickSeconds - clock.seconds;
      until(new Date(clock.now().getTime() + left * 1000));
      return runFleet(fleet);
    },
  });
  const everyMinute = () => {
    loop.invoke();
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
function checking({ min, max, maxAddedPerTick }: Policy, onViolation: (what: string) => void): Metrics {
  return {
    record({ AgentsWanted: wanted, Launched: launched = 0 }) {
      if (wanted !== undefined && (wanted < min || wanted > max)) onViolation(`${wanted} agents were wanted`);
      if (launched > maxAddedPerTick) onViolation(`${launched} agents were launched in one tick`);
    },
  };
}
