/** The words of the control loop: demand, agents, snapshots and decisions. */
import type { Load } from "./load.ts";
import type { RetirementReason } from "./retirement.ts";
import type { Traffic } from "./traffic.ts";
import type { StartedJob } from "./waits.ts";

/** The vendor's present demand. */
export interface Demand {
  /** Jobs that wait for an agent. */
  readonly queued: number;
  /** Jobs that an agent works on, according to the vendor's job list. */
  readonly running: number;
  /**
   * Jobs that may need an agent in a moment. The fleet keeps agents for them, but they do not wait and are in no
   * metric.
   */
  readonly expected?: number | undefined;
  /** When the longest-waiting job was queued. */
  readonly oldestQueuedAt?: Date | undefined;
  /** The running jobs of which the vendor says when an agent took them; left out: it says so of none. */
  readonly started?: readonly StartedJob[] | undefined;
  /**
   * The vendor has more jobs than were read: all numbers are lower bounds, and so is the wait. Left out: it has not.
   */
  readonly partial?: true | undefined;
  /**
   * Jobs with demands that our agents do not meet. They are not counted above, and the loop does not launch for them.
   */
  readonly unmatched?: { readonly jobs: number; readonly demands: readonly string[] } | undefined;
}

/**
 * - `ordered`: the loop has asked AWS for it, and AWS has not placed it yet. Nothing runs.
 * - `starting`: launched, not yet registered, and its grace is not over.
 * - `idle`, `busy`: by the vendor's answer.
 * - `unclear`: it runs, but may be idle or busy: the vendor does not list agents, or has just stopped listing this one.
 * - `unseen`: it runs, but the vendor has not listed it for a whole grace. It may work elsewhere, so the loop never
 *   stops it.
 * - `offline`: the vendor lists it as not connected and without a job, for a whole grace.
 * - `retiring`: it leaves and takes no more jobs.
 * - `failed`: AWS reports that the machine is dead, or the machine itself reported that its agent never registered.
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

/** `floor` agents have no idle timeout, `burst` agents have one. The role never changes. */
export type AgentRole = "floor" | "burst";

/** One of our agents: the join of a capacity member and the vendor's record, by name. */
export interface Agent {
  readonly name: string;
  /** Task ARN or instance id. */
  readonly capacityId: string;
  /** The vendor's id, once registered. */
  readonly vendorId?: string | undefined;
  readonly state: AgentState;
  /** `undefined`: a group launched it, without a role; see {@link Decision.assignRoles}. */
  readonly role: AgentRole | undefined;
  /** When AWS began to launch it; for an ordered agent, the time of the order. */
  readonly launchedAt: Date;
  /** Since when it has had no job, if the vendor reports it. */
  readonly idleSince?: Date | undefined;
  /** Whether it was launched from older settings than the fleet's. */
  readonly outdated?: boolean | undefined;
  /** Whether the vendor drains it although no retirement runs: an earlier one must have failed. */
  readonly drained?: boolean | undefined;
  /** Whether the group's termination hook holds it and no retirement of it runs. */
  readonly held?: boolean | undefined;
  /** Whether AWS reports that its machine is dead. */
  readonly dead?: boolean | undefined;
}

/** One launch of the last hour, as far as AWS did begin it. */
export interface Launch {
  /** When it began. */
  readonly at: Date;
  /**
   * `failed`: it never became a working agent, for a cause that opens the circuit. `worked`: its agent registered, or
   * ended without an error. `open`: neither is known, or its failure does not count.
   */
  readonly result: "failed" | "worked" | "open";
}

/** The circuit breaker: open, or closed. Kept from one look to the next; see {@link circuitAfter} of circuit.ts. */
export interface Circuit {
  /** Since when it is open; left out: it is closed. */
  readonly openSince?: Date | undefined;
  /** When a launch that worked closed it last. Launches from before count no more. */
  readonly closedAt?: Date | undefined;
}

/** The input of one decision. It contains only our own agents. */
export interface Snapshot {
  readonly demand: Demand;
  /** Whether the vendor reports which agents work. If not, the loop assumes that every running job needs an agent. */
  readonly vendorShowsAgents: boolean;
  readonly agents: readonly Agent[];
  /** The launches of the last hour. */
  readonly launches: readonly Launch[];
  /** The circuit breaker as the last look left it. */
  readonly circuit: Circuit;
  /** Orders that the loop withdraws to launch elsewhere: AWS has had no capacity for them for a while. Left out: none. */
  readonly ordersToMove?: number | undefined;
  /** Whether launches wait until AWS shows what has moved from one place to another. Left out: no. */
  readonly settling?: boolean | undefined;
  /** The jobs of the last while, on average; see {@link loadAfter} of load.ts. Left out: not known, which counts as none. */
  readonly load?: Load | undefined;
  /** How fast jobs come and agents boot; see {@link trafficAfter} of traffic.ts. Left out: not known. */
  readonly traffic?: Traffic | undefined;
  /** Seconds that the agents took to boot which have registered since the last look. Left out: none has. */
  readonly boots?: readonly number[] | undefined;
  /** Agents that earlier observations asked for, newest last. In a new fleet, shorter than the policy needs. */
  readonly recentlyWanted: readonly number[];
}

/** An agent to retire, and why. */
export interface Retiree {
  readonly agent: Agent;
  readonly reason: RetirementReason;
}

/** The actions of one tick, with a reason for the operator. */
export interface Decision {
  readonly action: "scale-out" | "scale-in" | "hold";
  /** Agents wanted in all: `clamp(working + queued + hedge + buffer, min, max)`; see scaling.ts. */
  readonly wanted: number;
  /** Agents that can work now or soon: ordered, starting, idle, busy and unclear ones. */
  readonly supply: number;
  /** One role per agent to launch; empty unless `scale-out`. */
  readonly launch: readonly AgentRole[];
  /** Agents to retire, at any action. The workflow asks for proof before it ends them. */
  readonly retire: readonly Retiree[];
  /** Agents proven idle, in the order of their removal; `count` of them go. `count` is 0 unless `scale-in`. */
  readonly scaleIn: { readonly count: number; readonly candidates: readonly Agent[] };
  /** Number of orders to withdraw. AWS has not begun to launch them. */
  readonly withdraw: number;
  /** Members with a dead machine. Their group would replace them, so the loop removes them from it. */
  readonly discard: readonly Agent[];
  /** Roles for agents without one; only if agents leave by themselves. */
  readonly assignRoles: readonly { readonly agent: Agent; readonly role: AgentRole }[];
  /** The average of the jobs for the next look. */
  readonly load: Load;
  /** The traffic for the next look. */
  readonly traffic: Traffic;
  readonly circuitOpen: boolean;
  /** The circuit breaker for the next look. */
  readonly circuit: Circuit;
  /** Whether jobs wait because of the ceiling. */
  readonly atCeiling: boolean;
  readonly reason: string;
}
