/** The words of the control loop: demand, agents, snapshots and decisions. */
import type { RetirementReason } from "./retirement.ts";

/** What the vendor wants now. */
export interface Demand {
  /** Jobs that wait for an agent. */
  readonly queued: number;
  /** Jobs that an agent works on, according to the vendor's job list. */
  readonly running: number;
  /**
   * Jobs that may want an agent in a moment: agents are there for them, but they wait for none and are in no metric.
   */
  readonly expected?: number | undefined;
  /** When the job that waits longest was queued. */
  readonly oldestQueuedAt?: Date | undefined;
  /** Jobs that need something that our agents do not offer. The loop neither counts them above nor launches for them. */
  readonly unmatched?: { readonly jobs: number; readonly demands: readonly string[] } | undefined;
}

/**
 * - `ordered`: AWS was asked for it and has not placed it yet. Nothing runs.
 * - `starting`: launched, not yet registered, and its grace is not over.
 * - `idle`, `busy`: as the vendor says.
 * - `unclear`: it runs, and nobody says whether it works: the vendor hides its agents, or stopped listing this one lately.
 * - `unseen`: it runs, but the vendor has not listed it for a whole grace. It may work elsewhere, so it is never stopped.
 * - `offline`: the vendor lists it as not connected and without a job, for a whole grace.
 * - `retiring`: it leaves and takes no more jobs.
 * - `failed`: AWS says that the machine is dead, or the machine itself said that its agent never registered.
 */
export type AgentState =
  | "ordered"
  | "starting"
  | "idle"
  | "busy"
  | "unclear"
  | "unseen"
  | "offline"
  | "retiring"
  | "failed";

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
  /** When AWS began to launch it; of one that is only ordered, when it was ordered. */
  readonly launchedAt: Date;
  /** Since when it has had no job, where the vendor says so. */
  readonly idleSince?: Date | undefined;
  /** Launched from older settings than the fleet's. */
  readonly outdated?: boolean | undefined;
  /** Drained at the vendor although no retirement of it is under way: an earlier one must have failed. */
  readonly drained?: boolean | undefined;
  /** The group's termination hook holds it and waits for us, and no retirement of it is under way. */
  readonly held?: boolean | undefined;
  /** AWS says that its machine is dead. */
  readonly dead?: boolean | undefined;
}

/** Everything one decision looks at. Agents that are not ours are not in it. */
export interface Snapshot {
  readonly demand: Demand;
  /** Whether the vendor says which agents work. If not, every running job is taken to need an agent. */
  readonly vendorShowsAgents: boolean;
  readonly agents: readonly Agent[];
  /** Launches of the last hour that never became a working agent. */
  readonly failedLaunchesLastHour: number;
  /** What earlier observations wanted, newest last; shorter than the policy asks for in a new fleet. */
  readonly recentlyWanted: readonly number[];
}

/** An agent to retire, and why. */
export interface Retiree {
  readonly agent: Agent;
  readonly reason: RetirementReason;
}

/** What to do now, and why, in words an operator can act on. */
export interface Decision {
  readonly action: "scale-out" | "scale-in" | "hold";
  /** Agents wanted in all: `clamp(working + queued + buffer, min, max)`. */
  readonly wanted: number;
  /** Agents that can work, or soon will: ordered, starting, idle, busy and unclear ones. */
  readonly supply: number;
  /** One role per agent to launch; empty unless `scale-out`. */
  readonly launch: readonly AgentRole[];
  /** Agents to retire whatever the action, each through the workflow, which asks for proof before it ends anything. */
  readonly retire: readonly Retiree[];
  /** Agents proven idle of which any `count` can go; `count` is 0 unless `scale-in`. The first come first. */
  readonly scaleIn: { readonly count: number; readonly candidates: readonly Agent[] };
  /** So many orders that AWS has not begun to launch are to be taken back. */
  readonly withdraw: number;
  /** Members whose machine AWS calls dead: their group would replace them unless they are taken out of it. */
  readonly discard: readonly Agent[];
  /** Roles of agents that have none yet; only where agents leave by themselves. */
  readonly assignRoles: readonly { readonly agent: Agent; readonly role: AgentRole }[];
  readonly circuitOpen: boolean;
  /** The ceiling keeps wanted jobs waiting. */
  readonly atCeiling: boolean;
  readonly reason: string;
}
