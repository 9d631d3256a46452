import type { Policy } from "../lib/core/policy.ts";
import type { Capacity, Clock, Lease, Log, Metrics, Notebook, Retirements, Vendor } from "../lib/core/ports.ts";
import type { Memory } from "./memory.ts";

/** A pass of the loop over one pool works with these. */
export interface AutoscaleDeps {
  /** Begins the name of each of its agents: the fleet's name, with the pool's where it has several. */
  readonly poolName: string;
  readonly policy: Policy;
  readonly tickSeconds: number;
  readonly vendor: Vendor;
  readonly capacity: Capacity;
  /** Only for fleets with a retirement workflow. */
  readonly retirements?: Retirements | undefined;
  /** Held by the whole fleet while a pass runs. */
  readonly lease: Lease;
  /** Keeps {@link memory} between passes. */
  readonly notebook: Notebook;
  readonly memory: Memory;
  readonly clock: Clock;
  /** A pass begins no tick after this time, so that its last one ends before Lambda ends it. */
  readonly deadline?: (() => Date | undefined) | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A new, unique suffix for an agent's name: letters and digits. */
  readonly newSuffix: () => string;
}
