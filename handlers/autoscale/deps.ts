import type { InForce } from "../lib/core/overrides.ts";
import type { Policy } from "../lib/core/policy.ts";
import type {
  Capacity,
  Clock,
  ImageDates,
  Lease,
  Log,
  Metrics,
  Notebook,
  Retirements,
  Vendor,
} from "../lib/core/ports.ts";
import type { Memory } from "./memory.ts";

/** A pass of the loop over one pool works with these. */
export interface AutoscaleDeps {
  /** Prefix of its agents' names: the fleet's name, followed by the pool's name in a fleet of several pools. */
  readonly poolName: string;
  /** As the stack has it. */
  readonly policy: Policy;
  /**
   * The policy at this moment, under what operators have set for a while. Left out: nobody can.
   *
   * @param kept so many agents AWS keeps by itself now. Left out: not known
   */
  readonly inForce?: ((kept?: number) => Promise<InForce>) | undefined;
  readonly tickSeconds: number;
  readonly vendor: Vendor;
  readonly capacity: Capacity;
  /** Left out: nobody knows the age of the agents' image. */
  readonly images?: ImageDates | undefined;
  /** Only for fleets with a retirement workflow. */
  readonly retirements?: Retirements | undefined;
  /** One lease for the whole fleet. A pass holds it while it runs. */
  readonly lease: Lease;
  /** Keeps {@link memory} between passes. */
  readonly notebook: Notebook;
  readonly memory: Memory;
  /** Where operators read how far a drain is. Left out: nobody can drain the pool. */
  readonly drainReport?: Pick<Notebook, "write"> | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A new, unique suffix for an agent's name: letters and digits. */
  readonly newSuffix: () => string;
}
