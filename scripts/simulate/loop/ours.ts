import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runFleet } from "../../../handlers/autoscale/fleet.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../../handlers/lib/aws/ecs-capacity.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { Metrics, Vendor } from "../../../handlers/lib/core/ports.ts";
import type { EcsCapacityConfig } from "../../../handlers/lib/settings/ecs-capacity.ts";
import type { Trouble } from "../faults.ts";
import type { EventClock } from "../world/event-clock.ts";
import type { createFleetWorld } from "../world/fleet-world.ts";
import { silentLog } from "../world/silence.ts";
import { createLoopFunction, functionTimeoutSeconds, type LoopFunction } from "./function.ts";
import { createLookQueue } from "./queue.ts";
import { createSharedState } from "./state.ts";

/** A pass starts no look if less than this is left, as in handlers/autoscale/index.ts. */
const lastLookSeconds = 70;

interface LoopOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly world: ReturnType<typeof createFleetWorld>;
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly trouble: Trouble;
  readonly onAwsCall: () => void;
}

const capacityConfig: EcsCapacityConfig = {
  type: "ecs",
  cluster: "ci",
  taskDefinition: "ci:1",
  container: "agent",
  capacityProviders: ["FARGATE"],
  subnets: ["subnet-a", "subnet-b"],
  securityGroups: [],
  assignPublicIp: "false",
  enableExecuteCommand: false,
  nameVariable: "TFC_AGENT_NAME",
};

/** Begins the loop as it is deployed: its own code in a function that a schedule invokes every minute. */
export function startLoop({
  clock,
  random,
  world,
  policy,
  tickSeconds,
  trouble,
  onAwsCall,
}: LoopOptions): LoopFunction {
  const state = createSharedState(clock, onAwsCall);
  const vendor = troubled(world.vendor, trouble);
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
    onViolation: (what) => world.violations.push(what),
    start() {
      let deadline: Date | undefined;
      const lease = state.lease();
      const pool: AutoscaleDeps = {
        poolName: "ci",
        policy,
        tickSeconds,
        vendor,
        ...(policy.canRetire && { retirements: world.retirements }),
        capacity: createEcsCapacity(capacityConfig, {
          ecs: world.connect(),
          clock,
          notebook: state.notebook("capacity ci"),
        }),
        lease,
        notebook: state.notebook("loop ci"),
        memory: createMemory(),
        clock,
        log: silentLog,
        metrics: checking(policy, (what) => world.violations.push(`${what} at ${clock.seconds} s`)),
        newSuffix() {
          names += 1;
          return `n${names}`;
        },
      };
      return {
        fleet: { pools: [pool], lease, nextLooks, clock, deadline: () => deadline, log: silentLog },
        until(end: Date) {
          deadline = end;
        },
      };
    },
    run({ fleet, until }, call, startedAt) {
      const left = startedAt + functionTimeoutSeconds - lastLookSeconds - clock.seconds;
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
function checking({ min, max, maxAddedPerTick }: Policy, onViolation: (what: string) => void): Metrics {
  return {
    record({ AgentsWanted: wanted, Launched: launched = 0 }) {
      if (wanted !== undefined && (wanted < min || wanted > max)) onViolation(`${wanted} agents were wanted`);
      if (launched > maxAddedPerTick) onViolation(`${launched} agents were launched in one tick`);
    },
  };
}
