import type { Policy } from "../lib/core/policy.ts";
import type { Capacity, Clock, Log, Metrics, Retirements, Vendor } from "../lib/core/ports.ts";
import type { Memory } from "./memory.ts";

/** What a pass of the loop works with. */
export interface AutoscaleDeps {
  /** Name of the fleet, with its pool's where it has several: begins the name of each of its agents. */
  readonly fleet: string;
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly vendor: Vendor;
  readonly capacity: Capacity;
  /** Only for fleets with a retirement workflow. */
  readonly retirements?: Retirements | undefined;
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A new, unique suffix for an agent's name: letters and digits. */
  readonly newSuffix: () => string;
}
