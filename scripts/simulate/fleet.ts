import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { BootTimes } from "../../stacks/config/boot-times.ts";

/** Where agents run. */
export type Place =
  /** Tasks on Fargate. */
  | { readonly type: "tasks" }
  /** Tasks on EC2 hosts of a capacity provider. */
  | { readonly type: "hosts" }
  /** Instances of an Auto Scaling group. Times in seconds. */
  | {
      readonly type: "group";
      readonly boots: BootTimes;
      /** Instances when Terraform creates the group. Left out: the floor. */
      readonly initial?: number | undefined;
      /** A second group, of On-Demand instances, takes over after so long without Spot capacity. Left out: none. */
      readonly fallbackSeconds?: number | undefined;
    };

/** One pool of several. */
export interface SimulatedPool {
  /** Its name in the stack. */
  readonly key: string;
  /** Its name at the vendor. */
  readonly name: string;
  /** What differs from the fleet's policy. */
  readonly policy: Partial<Policy>;
}

/** The fleet of a config, as the simulator needs it. Times in seconds. */
export interface SimulatedFleet {
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** Whether a webhook wakes our loop. */
  readonly webhook: boolean;
  /** Whether the webhook tells of queued jobs alone, not of ended ones. Left out: no. */
  readonly tellsQueuedOnly?: boolean | undefined;
  /** Left out: tasks on Fargate. */
  readonly place?: Place | undefined;
  /** Left out: the fleet has one pool. */
  readonly pools?: readonly SimulatedPool[] | undefined;
  /** Whether HCP Terraform's limit of run lists holds up the loop. Left out: no. */
  readonly listsRuns?: boolean | undefined;
  /** Runs are known by notifications only, and count for so long without news. Left out: our loop asks the vendor. */
  readonly notifiedRunSeconds?: number | undefined;
}

/** A pool with its own limits. */
export interface PoolOfFleet {
  /** Prefix of its agents' names, as handlers/autoscale/pools.ts makes it. */
  readonly name: string;
  readonly policy: Policy;
}

/** The pools of a fleet: the fleet itself, or the fleet's policy with each pool's differences. */
export function poolsOf({ policy, pools }: SimulatedFleet): readonly PoolOfFleet[] {
  if (pools === undefined) return [{ name: "ci", policy }];
  return pools.map((own) => ({ name: `ci.${own.key}`, policy: { ...policy, ...own.policy } }));
}

/** The number of the pool that a trace's queue names, by its key or its name. `undefined`: there is none. */
export function poolOfQueue({ pools }: SimulatedFleet, queue: string | undefined): number | undefined {
  if (pools === undefined || queue === undefined) return 0;
  const found = pools.findIndex(({ key, name }) => key === queue || name === queue);
  return found < 0 ? undefined : found;
}
