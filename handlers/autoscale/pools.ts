import { withChanges } from "../lib/core/env.ts";
import type { Policy } from "../lib/core/policy.ts";
import type { AutoscaleEnv } from "../lib/settings/autoscale.ts";
import { type CapacityConfig, capacityConfig } from "../lib/settings/capacity.ts";
import { type VendorRuntime, vendorRuntime } from "../lib/settings/vendors.ts";

/** The settings that one pass of the loop runs with. */
export interface PoolSettings {
  /** `undefined`: the fleet has one pool without a name. */
  readonly pool: string | undefined;
  /** Prefix of its agents' names: the fleet's name, followed by the pool's name in a fleet of several pools. */
  readonly poolName: string;
  readonly policy: Policy;
  readonly vendor: VendorRuntime;
  readonly capacity: CapacityConfig;
}

/** The pools of a fleet: the fleet itself, or the fleet's settings with each pool's differences. */
export function poolsOf(env: AutoscaleEnv): readonly PoolSettings[] {
  const { FLEET: fleetName, POLICY: policy, VENDOR: vendor, CAPACITY: capacity, POOLS: pools } = env;
  if (pools === undefined) return [{ pool: undefined, poolName: fleetName, policy, vendor, capacity }];
  return pools.map((own) => ({
    pool: own.pool,
    poolName: `${fleetName}.${own.pool}`,
    policy: { ...policy, ...own.policy },
    vendor: withChanges(vendorRuntime, vendor, own.vendor),
    capacity: withChanges(capacityConfig, capacity, own.capacity),
  }));
}
