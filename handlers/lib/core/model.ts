/** The words of the control loop: demand, agents, snapshots and decisions. */

/** What the vendor wants now. */
export interface Demand {
  /** Jobs that wait for an agent. */
  readonly queued: number;
  /** Jobs that an agent works on, as far as the vendor's job list tells. */
  readonly running: number;
  /**
   * Jobs that may want an agent in a moment: agents are there for them, but they wait for none and are in no metric.
   */
  readonly expected?: number | undefined;
  /** When the job that waits longest was queued. */
  readonly oldestQueuedAt?: Date | undefined;
  /** Jobs that wait for what our agents do not offer: not counted above, and no agent is launched for them. */
  readonly unmatched?: { readonly jobs: number; readonly demands: readonly string[] } | undefined;
}

/**
 * `starting`: launched, not yet registered. `unclear`: running where the vendor does not show its agents, or this one no more.
 * `retiring`: leaving, takes no more jobs. `offline`: never registered within its grace, ended at boot, or lost for as long.
 */
export type AgentState = "starting" | "idle" | "busy" | "unclear" | "retiring" | "offline";

/** `floor` agents have no idle timeout, `burst` agents have one. Given once, never changed. */
export type AgentRole = "floor" | "burst";

/** One of our agents: the join of a capacity member and the vendor's record, by name. */
export interface Agent {
  readonly name: string;
  /** Task ARN or instance id. */
  readonly capacityId: string;
  /** The vendor's id, once registered. */
  readonly vendorId?: string | undefined;
  readonly state: AgentState;
  /** `undefined`: launched by a group, which gives no roles; see {@link Decision.assignRoles}. */
  readonly role: AgentRole | undefined;
  readonly launchedAt: Date;
  /** Since when it has had no job, where the vendor tells. */
  readonly idleSince?: Date | undefined;
  /** Launched from older settings than the fleet's. */
  readonly outdated?: boolean | undefined;
  /** Drained at the vendor although no retirement of it is under way: one must have failed. */
  readonly stranded?: boolean | undefined;
}

/** Everything one decision looks at. Agents that are not ours are not in it. */
export interface Snapshot {
  readonly demand: Demand;
  /** Whether the vendor tells which agents work. If not, every running job is taken to need an agent. */
  readonly vendorShowsAgents: boolean;
  readonly agents: readonly Agent[];
  /** Launches of the last hour that never became a working agent. */
  readonly failedLaunchesLastHour: number;
  /** What earlier observations wanted, newest last; shorter than the policy asks for after a cold start. */
  readonly recentlyWanted: readonly number[];
}

/** What to do now, and why, in words an operator can act on. */
export interface Decision {
  readonly action: "scale-out" | "scale-in" | "hold";
  /** Agents wanted in all: `clamp(working + queued + buffer, min, max)`. */
  readonly wanted: number;
  /** Agents that are or will soon be able to work. */
  readonly supply: number;
  /** One role per agent to launch; empty unless `scale-out`. */
  readonly launch: readonly AgentRole[];
  /** Agents proven idle to retire; empty unless `scale-in`. */
  readonly retire: readonly Agent[];
  /** Agents whose retirement was left halfway, to be taken up again whatever the action. */
  readonly resume: readonly Agent[];
  /**
   * Agents that nothing else would make leave: lost to their vendor, too old, or too many of the floor. To be retired
   * whatever the action, after the job they may yet get.
   */
  readonly dismiss: readonly Agent[];
  /** Roles of agents that have none yet; only where agents leave by themselves. */
  readonly assignRoles: readonly { readonly agent: Agent; readonly role: AgentRole }[];
  /** Agents that never registered, to be stopped whatever the action; the longest waited for first. See `canRetire` of the policy. */
  readonly stop: readonly Agent[];
  readonly circuitOpen: boolean;
  /** The ceiling keeps wanted jobs waiting. */
  readonly atCeiling: boolean;
  readonly reason: string;
}
