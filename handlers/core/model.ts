/** The words of the control loop: demand, agents, snapshots, policies and decisions. */

/** What the vendor wants now. */
export interface Demand {
  /** Jobs that wait for an agent. */
  readonly queued: number;
  /** Jobs that an agent works on, as far as the vendor's job list tells. */
  readonly running: number;
  /** When the job that waits longest was queued. */
  readonly oldestQueuedAt?: Date | undefined;
}

/**
 * `starting`: launched, not yet registered. `unclear`: running where the vendor does not show its agents.
 * `retiring`: leaving, takes no more jobs. `offline`: never registered within its grace, or lost.
 */
export type AgentState = "starting" | "idle" | "busy" | "unclear" | "retiring" | "offline";

/** `floor` agents have no idle timeout, `burst` agents have one. Given at launch, never changed. */
export type AgentRole = "floor" | "burst";

/** One of our agents: the join of a capacity member and the vendor's record, by name. */
export interface Agent {
  readonly name: string;
  /** Task ARN or instance id. */
  readonly capacityId: string;
  /** The vendor's id, once registered. */
  readonly vendorId?: string | undefined;
  readonly state: AgentState;
  readonly role: AgentRole;
  readonly launchedAt: Date;
}

/** Everything one decision looks at. Agents that are not ours are not in it. */
export interface Snapshot {
  readonly demand: Demand;
  /** Whether the vendor tells which agents work. If not, every running job is taken to need an agent. */
  readonly vendorShowsAgents: boolean;
  readonly agents: readonly Agent[];
  /** Launches of the last hour that never became a working agent. */
  readonly failedLaunchesLastHour: number;
}

/** The rules of a fleet. Seconds and counts; sources: `agents` and `scaling` of the config file. */
export interface Policy {
  readonly min: number;
  readonly max: number;
  readonly buffer: number;
  readonly scaleOutCooldownSeconds: number;
  readonly scaleInCooldownSeconds: number;
  readonly maxAddedPerTick: number;
  /** Retirements and stops alike, so that one misleading answer cannot empty a fleet at once. */
  readonly maxRemovedPerTick: number;
  /** How long a launched agent may take to register. */
  readonly registrationGraceSeconds: number;
  /** With this many failed launches within an hour the circuit is open: nothing more is launched. */
  readonly maxFailedLaunchesPerHour: number;
  /** Whether surplus agents leave by their own idle timeout, or are retired by the loop. */
  readonly departure: "by-itself" | "by-retirement";
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
  /** Agents that never registered, to be stopped whatever the action; the longest waited for first. */
  readonly stop: readonly Agent[];
  readonly circuitOpen: boolean;
  /** The ceiling keeps wanted jobs waiting. */
  readonly atCeiling: boolean;
  readonly reason: string;
}
