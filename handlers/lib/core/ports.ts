/**
 * The seams between the control loop and the world. Vendors, AWS adapters and test fakes stand behind these;
 * the core and the handlers see nothing else.
 */
import type { Agent, AgentRole, Demand, Launch } from "./model.ts";
import type { LifecycleHook, RetirementReason } from "./retirement.ts";

/** Time as a dependency, so that rules have no clock of their own. */
export interface Clock {
  now(): Date;
  /** Resolves after `milliseconds`. */
  sleep(milliseconds: number): Promise<void>;
}

/** Structured logging. Fields never contain secrets, request bodies or signatures. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** CloudWatch namespace of all our metrics; their dimension is `Fleet`. */
export const metricsNamespace = "AgentFleets";

/** All metrics. In a stack with several pools they have a second dimension, `Pool`. */
export const metricNames = [
  "JobsQueued",
  "JobsRunning",
  "JobsUnmatched",
  "DemandPartial",
  "OldestQueuedSeconds",
  "QueueWaitSeconds",
  "QueuedWithoutAgents",
  "AgentsOrdered",
  "AgentsStarting",
  "AgentsIdle",
  "AgentsBusy",
  "AgentsUnclear",
  "AgentsUnseen",
  "AgentsRetiring",
  "AgentsOffline",
  "AgentsOutdated",
  "AgentsSilent",
  "AgentsRunning",
  "AgentsWanted",
  "AgentsMax",
  "BootSeconds",
  "ImageAgeSeconds",
  "Launched",
  "LaunchFailures",
  "RetirementsStarted",
  "Retired",
  "RetirementsAborted",
  "VendorApiErrors",
  "CircuitOpen",
  "AtCeiling",
  "OnDemandFallback",
  "Paused",
  "TickSeconds",
] as const;

/** See {@link metricNames}. */
export type MetricName = (typeof metricNames)[number];

/** Metrics with one value for each job or agent, for percentiles. An empty list is no value. */
type ListMetric = "BootSeconds" | "QueueWaitSeconds";

/** The figures of one record. */
export type Figures = { [Name in MetricName]?: Name extends ListMetric ? readonly number[] : number };

/** Records a tick's figures. Implementations never throw: metrics can never stop scaling. */
export interface Metrics {
  record(values: Figures): void;
}

/** An agent as its vendor reports it, ours or a foreign one. */
export interface VendorAgent {
  /** The vendor's own id, for {@link Vendor.removeAgent}. */
  readonly id: string;
  readonly name: string;
  /**
   * `gone`: the vendor reports that it left or is lost for good. `draining`: it takes no more jobs, but may still have
   * one. `offline`: registered but not connected, and without a job; it may be starting. An agent without proof of
   * another state is busy.
   */
  readonly state: "idle" | "busy" | "draining" | "offline" | "gone";
  /** Since when it has had no job, if the vendor reports it. */
  readonly idleSince?: Date | undefined;
  /** Since when it is offline, if the vendor reports it. */
  readonly offlineSince?: Date | undefined;
  /** Whether its machine is unknown, so that it may be one of ours although `name` matches none. Left out: no. */
  readonly unmatched?: boolean | undefined;
}

/** A vendor's runtime half for the loop. Every call answers in full or throws, except for huge demand. */
export interface Vendor {
  /**
   * The present demand. Throws {@link VendorApiError}.
   *
   * @param options.enough reading may stop where as many jobs wait or are expected: more change nothing. The answer is
   * then a lower bound and says so. Left out: reads as many as the vendor's limits allow.
   */
  readDemand(options?: { readonly enough?: number }): Promise<Demand>;
  /**
   * Every agent of the pool, foreign ones included; `undefined` if this mode of observation cannot list agents. The
   * loop then skips everything that needs the list. Throws {@link VendorApiError}.
   */
  listAgents(): Promise<readonly VendorAgent[] | undefined>;
  /** Deletes the record of an agent that is gone. Refusals and absence are not errors. */
  removeAgent(id: string): Promise<void>;
  /**
   * Makes sure that jobs can queue while none of our agents is registered. Only for vendors that would fail such jobs.
   * Takes the answer of {@link listAgents}.
   */
  keepQueueOpen?(agents: readonly VendorAgent[]): Promise<void>;
}

/** One member of the capacity that we launched. It may not be an agent yet. */
export interface CapacityMember {
  /** Task ARN or instance id. */
  readonly id: string;
  /** The key of the join with the vendor's agents: the name from the launch, or the instance id in a group. */
  readonly agentName: string;
  /** `undefined`: a group launched it, and it has no role yet. */
  readonly role: AgentRole | undefined;
  /**
   * - `ordered`: the loop has asked AWS for it, and AWS has not begun to launch it. Nothing runs.
   * - `pending`, `running`: AWS launches it, or has.
   * - `failed`: AWS reports that it ended at boot. Its group will launch another unless the loop discards it.
   * - `held`: the group's termination hook holds it until its retirement completes the hook.
   * - `stopping`: it ends.
   */
  readonly phase: "ordered" | "pending" | "running" | "failed" | "held" | "stopping";
  /** When AWS began to launch it; before that, when it was ordered. */
  readonly launchedAt: Date;
  /** Whether it was launched from older settings than the capacity's present ones. */
  readonly outdated?: boolean | undefined;
  /** Whether its agent has ever registered; `undefined` if the capacity cannot record it. */
  readonly registered?: boolean | undefined;
  /** The machine itself said that its agent never registered, and nobody ever said that it did. */
  readonly neverRegistered?: boolean | undefined;
}

/** A request to start one agent. */
export interface LaunchRequest {
  readonly agentName: string;
  readonly role: AgentRole;
}

/** Why AWS refused a launch. The reaction depends on the kind. */
export type LaunchFailureKind = "capacity" | "quota" | "throttling" | "configuration";

/** The result of {@link Capacity.launch}. A refusal is data, not an exception. */
export interface LaunchReport {
  readonly launched: number;
  readonly failures: readonly { readonly kind: LaunchFailureKind; readonly message: string; readonly count: number }[];
}

/** The state of a capacity at one moment. */
export interface CapacityReading {
  /** AWS itself keeps so many members, and replaces those that leave. Left out: none. */
  readonly kept?: number | undefined;
  /** Every member of ours that still exists. */
  readonly members: readonly CapacityMember[];
  /**
   * Launches that AWS began within the last hour, and those that failed within it: their agent crashed at boot or never
   * registered. Failures with a temporary cause may count for less than the hour. Launches for which AWS had no room
   * are none, and so are orders.
   */
  readonly launches: readonly Launch[];
  /**
   * Launches that failed since the last reading, with AWS's own text: late refusals, agents that never came, and every
   * cause that blocks launches now.
   */
  readonly newLaunchFailures?: LaunchReport["failures"] | undefined;
  /** Launches without room at AWS. They are no failures: the loop logs them and does not count them. */
  readonly newShortages?: LaunchReport["failures"] | undefined;
  /**
   * Only for capacities with a fallback for want of Spot capacity.
   *
   * - `active`: launches go to the fallback.
   * - `ordersToMove`: so many orders stand where AWS has no capacity. Once withdrawn, they are ordered elsewhere.
   * - `settling`: AWS may not show the last withdrawal or launch yet, so nothing can be launched elsewhere.
   */
  readonly fallback?:
    | { readonly active: boolean; readonly ordersToMove: number; readonly settling: boolean }
    | undefined;
}

/** Where agents run, behind ECS or EC2. */
export interface Capacity {
  /** The hook that holds this member in the phase `held`; only for capacities with hooks. */
  terminationHook?(id: string): LifecycleHook;
  read(): Promise<CapacityReading>;
  /**
   * The machines that a destroy of the capacity would end, by id: all that exist in any state, ours or not, except those
   * on which nothing has ever run. Launches that AWS does not show yet count, too.
   */
  remaining(): Promise<readonly string[]>;
  /** Those of {@link remaining} in the fallback; only for capacities with a fallback for want of Spot capacity. */
  remainingInFallback?(): Promise<readonly string[]>;
  /** Starts one member per request. Partial success is normal. */
  launch(requests: readonly LaunchRequest[]): Promise<LaunchReport>;
  /** Withdraws up to this many orders that AWS has not begun to launch, newest first. Resolves to their number. */
  withdraw(count: number): Promise<number>;
  /**
   * Removes a member with a dead machine, so that its group does not replace it; only for capacities that replace
   * members. A group at its floor replaces it anyway: then the member stays, unless `mayReplace`.
   */
  discard?(id: string, options: { readonly mayReplace: boolean }): Promise<void>;
  /** Records permanently that the agents of these members have registered; only for capacities that can. */
  markRegistered?(ids: readonly string[]): Promise<void>;
  /** Gives a member its role; only for capacities whose members start without one. */
  assignRole?(id: string, role: AgentRole): Promise<void>;
}

/** The agent of a retirement. */
export type AgentReference = Pick<Agent, "name" | "capacityId" | "vendorId">;

/** The retirements of one fleet, one workflow execution each. Agents that leave by themselves need none. */
export interface Retirements {
  /** Names of the agents in retirement. */
  running(): Promise<ReadonlySet<string>>;
  /**
   * Starts one. A second start for the same agent and reason within minutes changes nothing.
   *
   * @param hook the hook that waits for the end of the retirement; only with the reason `terminating`
   * @returns `false` if an execution with this name has just ended
   */
  start(agent: AgentReference, reason: RetirementReason, hook?: LifecycleHook): Promise<boolean>;
}

/** A vendor's runtime half for the retirement workflow. Every call may be repeated. Throws {@link VendorApiError}. */
export interface VendorRetirement {
  /**
   * Locks the agent against new jobs, then reports whether it works, by the same answer or a later one. Without proof
   * of another state, the answer is `busy`.
   *
   * - `gone`: the machine itself reports that its agent has left, or the vendor does, asked for exactly this agent, and
   *   the vendor never deletes an agent that works.
   * - `unseen`: the vendor does not list the agent, or has lost its record. That proves nothing: it may still work.
   * - `unmatched`: neither does it, but it lists an agent that nobody can place, which may be this one.
   * - `silent`: the agent was told to leave long ago and shows no sign of life. It may still work.
   */
  drain(agent: AgentReference): Promise<"idle" | "busy" | "gone" | "unseen" | "unmatched" | "silent">;
  /** Lifts the lock. Absence is no error. */
  undrain(agent: AgentReference): Promise<void>;
  /**
   * Deletes the vendor's record of a drained, idle agent. Absence is no error. An error of kind `conflict` means that
   * the vendor refuses because the agent works after all.
   */
  deregister(agent: AgentReference): Promise<void>;
}

/** Who calls for a look. A message does when the look is due that it was sent for. */
export type Call =
  | { readonly by: "schedule" }
  | { readonly by: "webhook" }
  | { readonly by: "message"; readonly dueAt: Date };

/** Brings the call for a look to the loop when it is due. Such a call may come late, twice or never. */
export interface NextLooks {
  /** Resolves to whether the call is on its way. */
  ask(dueAt: Date): Promise<boolean>;
}

/**
 * Keeps passes of one fleet from overlapping: only the holder of the lease may act. The lease of a dead holder expires.
 * With it goes when the next look is due, so that of all messages only one counts. Every method may throw; the caller
 * must then do nothing that needs the lease.
 */
export interface Lease {
  /**
   * Takes the lease for a call that counts, if it is free. If another pass holds it, records that a webhook called. A
   * message counts only for the look that is to come next, and the schedule only if that look is overdue or none is to
   * come.
   *
   * @returns `undefined`: not taken; else when a webhook last called
   */
  acquire(call: Call): Promise<{ readonly wokenAt: Date | undefined } | undefined>;
  /** Extends the lease. @returns false: another pass has taken it over */
  renew(): Promise<boolean>;
  /**
   * Releases the lease, and keeps when the next look is due; `undefined`: at the schedule's next call. If a webhook has
   * called meanwhile, it keeps the lease instead and forgets the call: the holder is to look again, or to release once
   * more.
   *
   * @returns whether the lease is released
   */
  release(nextLookAt: Date | undefined): Promise<boolean>;
}

/** A small document that outlives the function. */
export interface Notebook {
  /** The last written document; `undefined` if there is none. It is not validated: parse it with a schema. */
  read(): Promise<unknown>;
  /** Replaces the document. It must be JSON. */
  write(document: unknown): Promise<void>;
}

/**
 * A machine's own word on its agent. `left`: it ended after it had been there. Words come late, doubled and in any order:
 * `left` counts for more than `registered`, and that for more than `never-registered`.
 */
export type AgentFact = "registered" | "never-registered" | "left";

/** The instances of one fleet. */
export interface InstanceGroup {
  /** Whether the instance belongs to the fleet and still exists. */
  has(instanceId: string): Promise<boolean>;
  /** Stores an instance's report about its agent permanently. A missing instance is no error. */
  note(instanceId: string, fact: AgentFact): Promise<void>;
  /** The word that counts of all that an instance has said of its agent; `undefined`: it has said none. */
  wordOf(instanceId: string): Promise<AgentFact | undefined>;
  /** How many instances AWS has launched whose agent has not said a word yet: they will take jobs soon. */
  starting(): Promise<number>;
}

/** Asks instances directly, for vendors without an API that reports the state of an agent. */
export interface InstanceCommands {
  /**
   * Runs one of the fleet's scripts on the instance, by its file name. Resolves to its trimmed output, or to
   * `undefined` if the instance is gone. Throws if the instance does not answer in time or the script fails.
   */
  run(instanceId: string, script: string): Promise<string | undefined>;
}

/** The runs that notifications reported, by run id. `supersedes` orders them, so arrival order does not matter. */
export interface RunLedger {
  /**
   * Stores the run if it supersedes the known state. Resolves to whether it was stored. News of an open run that is
   * older than such a run counts is refused: the state that it would have to be compared with may be forgotten.
   */
  record(seenRun: SeenRun): Promise<boolean>;
  /** Runs that have not expired, without final ones. */
  listOpen(): Promise<readonly SeenRun[]>;
}

/** The state of one run, as a notification reported it. */
export interface SeenRun {
  readonly runId: string;
  readonly workspaceId: string;
  /** The vendor's run status, such as `pending` or `applied`. */
  readonly status: string;
  readonly updatedAt: Date;
  /** No later status can follow. */
  readonly final: boolean;
  /** How far along the run is in this status: decides between two states of one instant. */
  readonly rank: number;
}

/** Reads secret values by ARN (Secrets Manager or SSM parameter), without surrounding blanks and line breaks. */
export interface SecretReader {
  /** The current value, cached for a few minutes; `fresh` skips the cache. Throws if it is empty or unreadable. */
  read(arn: string, options?: { fresh?: boolean }): Promise<string>;
  /** The current value and the previous one, if it may still be used; newest first. Same caching. */
  readVersions(arn: string, options?: { fresh?: boolean }): Promise<readonly string[]>;
}

/** The date of what a pool's agents run on. */
export interface ImageDates {
  /** Of the oldest image in use. `undefined`: nobody knows, or nothing runs. */
  oldest(): Promise<Date | undefined>;
}

/** Wakes the loop early. A lost wake-up changes nothing. */
export interface WakeUp {
  wake(): Promise<void>;
}
