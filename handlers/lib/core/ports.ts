/**
 * The seams between the control loop and the world. Vendors, AWS adapters and test fakes stand behind these;
 * the core and the handlers see nothing else.
 */
import type { Agent, AgentRole, Demand } from "./model.ts";
import type { LifecycleHook, RetirementReason } from "./retirement.ts";

/** Time as a service, so that no rule owns a clock. */
export interface Clock {
  now(): Date;
  /** Resolves after `milliseconds`. */
  sleep(milliseconds: number): Promise<void>;
}

/** Structured logging. Fields never carry secrets, request bodies or signatures. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** CloudWatch namespace of all our metrics; their dimension is `Fleet`. */
export const metricsNamespace = "AgentFleets";

/** The metrics there are. Where a stack has several pools, a second dimension `Pool` tells them apart. */
export type MetricName =
  | "JobsQueued"
  | "JobsRunning"
  | "JobsUnmatched"
  | "OldestQueuedSeconds"
  | "QueuedWithoutAgents"
  | "AgentsOrdered"
  | "AgentsStarting"
  | "AgentsIdle"
  | "AgentsBusy"
  | "AgentsUnclear"
  | "AgentsUnseen"
  | "AgentsRetiring"
  | "AgentsOffline"
  | "AgentsOutdated"
  | "AgentsWanted"
  | "Launched"
  | "LaunchFailures"
  | "Retired"
  | "RetirementsAborted"
  | "VendorApiErrors"
  | "CircuitOpen"
  | "AtCeiling"
  | "TickSeconds";

/** One record of a tick's figures. Implementations never throw: metrics can never stop scaling. */
export interface Metrics {
  record(values: Partial<Record<MetricName, number>>): void;
}

/** An agent as its vendor reports it, whoever runs it. */
export interface VendorAgent {
  /** The vendor's own id, what {@link Vendor.removeAgent} takes. */
  readonly id: string;
  readonly name: string;
  /**
   * `gone`: the vendor says that it left or is lost for good. `draining`: it takes no more jobs, but may still have one.
   * `offline`: registered but not connected, and without a job; it may be starting. Everything that is not proven to be in
   * one of these states is busy.
   */
  readonly state: "idle" | "busy" | "draining" | "offline" | "gone";
  /** Since when it has had no job, where the vendor tells. */
  readonly idleSince?: Date | undefined;
  /** Since when it is offline, where the vendor tells. */
  readonly offlineSince?: Date | undefined;
  /** Nobody can tell on which machine it runs, and it may be one of ours: `name` matches none. Left out: no. */
  readonly unmatched?: boolean | undefined;
}

/** What a vendor's runtime half offers the loop. Every call answers in full or throws, but for demand that is huge. */
export interface Vendor {
  /** What the vendor wants now, or at least that: reading may stop when enough is known. Throws {@link VendorApiError}. */
  readDemand(): Promise<Demand>;
  /**
   * Every agent of the pool, foreign ones too; `undefined` where this mode of observation cannot see agents, and then
   * nothing that depends on seeing them happens. Throws {@link VendorApiError}.
   */
  listAgents(): Promise<readonly VendorAgent[] | undefined>;
  /** Deletes the record of an agent that is gone. Refusals and absence are not errors. */
  removeAgent(id: string): Promise<void>;
  /**
   * Makes sure that jobs can queue while no agent of ours is registered; only of vendors that would fail them instead.
   * Given what {@link listAgents} answered.
   */
  keepQueueOpen?(agents: readonly VendorAgent[]): Promise<void>;
}

/** One member of the capacity that we launched: it may or may not have become an agent yet. */
export interface CapacityMember {
  /** Task ARN or instance id. */
  readonly id: string;
  /** The key of the join with the vendor's agents: the name we gave at launch, or the instance id in a group. */
  readonly agentName: string;
  /** `undefined`: a group launched it and it has been given none yet. */
  readonly role: AgentRole | undefined;
  /**
   * - `ordered`: AWS was asked for it and has not begun to launch it. Nothing runs.
   * - `pending`, `running`: AWS launches it, or has.
   * - `failed`: AWS says that it ended at boot. Its group will launch another unless it is discarded.
   * - `held`: the group's termination hook holds it until its retirement completes the hook.
   * - `stopping`: it ends.
   */
  readonly phase: "ordered" | "pending" | "running" | "failed" | "held" | "stopping";
  /** When it was ordered; once AWS has begun to launch it, when that was. */
  readonly launchedAt: Date;
  /** Launched from older settings than the capacity has now. */
  readonly outdated?: boolean | undefined;
  /** Whether its agent has ever registered; `undefined` where nobody could have noted it. */
  readonly registered?: boolean | undefined;
  /** The machine itself said that its agent never registered. */
  readonly neverRegistered?: boolean | undefined;
}

/** What a capacity is asked to start. */
export interface LaunchRequest {
  readonly agentName: string;
  readonly role: AgentRole;
}

/** Why AWS refused a launch: what to do next differs per kind. */
export type LaunchFailureKind = "capacity" | "quota" | "throttling" | "configuration";

/** The outcome of {@link Capacity.launch}; a refusal is data, not an exception. */
export interface LaunchReport {
  readonly launched: number;
  readonly failures: readonly { readonly kind: LaunchFailureKind; readonly message: string; readonly count: number }[];
}

/** What a capacity holds at one moment. */
export interface CapacityReading {
  /** Every member of ours that still exists. */
  readonly members: readonly CapacityMember[];
  /**
   * Launches of the last hour that ended without the agent ever having worked: crash at boot, never registered. Those
   * whose cause may be gone by now need not be counted for the whole hour.
   */
  readonly failedLaunchesLastHour: number;
  /**
   * Launches that failed since the last reading, in AWS's own words: late refusals, agents that never came, and
   * everything that holds up launches now.
   */
  readonly newLaunchFailures?: LaunchReport["failures"] | undefined;
  /** Launches for which there was no room, which is no failure: to be logged, not counted. */
  readonly newShortages?: LaunchReport["failures"] | undefined;
}

/** Where agents run, behind ECS or EC2. */
export interface Capacity {
  /** The hook that holds its members in the phase `held`; only of capacities that have one. */
  readonly terminationHook?: LifecycleHook | undefined;
  read(): Promise<CapacityReading>;
  /** Starts one member per request. Partial success is normal. */
  launch(requests: readonly LaunchRequest[]): Promise<LaunchReport>;
  /** Takes back up to this many orders that AWS has not begun to launch, newest first. Resolves to how many. */
  withdraw(count: number): Promise<number>;
  /**
   * Takes a member out whose machine AWS calls dead, so that its group does not replace it; only of capacities that
   * replace members. A group at its floor launches another all the same: unless `mayReplace`, the member is left as it is.
   */
  discard?(id: string, options: { readonly mayReplace: boolean }): Promise<void>;
  /** Remembers for good that the agents of these members have registered; only of capacities that can. */
  markRegistered?(ids: readonly string[]): Promise<void>;
  /** Tells a member its role; only of capacities whose members come without one. */
  assignRole?(id: string, role: AgentRole): Promise<void>;
}

/** Which agent a retirement is about. */
export type AgentReference = Pick<Agent, "name" | "capacityId" | "vendorId">;

/** The retirements of one fleet, one workflow execution each. Fleets whose agents leave by themselves need none. */
export interface Retirements {
  /** Names of the agents whose retirement is under way. */
  running(): Promise<ReadonlySet<string>>;
  /**
   * Starts one; started again within minutes for the same agent and reason it changes nothing.
   *
   * @param hook the hook that waits for its end; only with the reason `terminating`
   * @returns `false` where one of that name ran a moment ago and has ended
   */
  start(agent: AgentReference, reason: RetirementReason, hook?: LifecycleHook): Promise<boolean>;
}

/** What a vendor's runtime half offers the retirement workflow. Every call may be repeated. Throws {@link VendorApiError}. */
export interface VendorRetirement {
  /**
   * Locks the agent against new jobs, then says whether it works, by the same answer or one after the lock. Everything
   * that is not proven is `busy`.
   *
   * - `gone`: the machine itself says that no agent is there any more, or the vendor does, asked for this very agent, and
   *   it deletes none that works.
   * - `unseen`: the vendor does not list the agent, or has lost its record. That proves nothing: it may work all the same.
   */
  drain(agent: AgentReference): Promise<"idle" | "busy" | "gone" | "unseen">;
  /** Lifts the lock. Absence is no error. */
  undrain(agent: AgentReference): Promise<void>;
  /**
   * Deletes the vendor's record of a drained, idle agent. Absence is no error; an error of kind `conflict` says that the
   * vendor refuses because the agent works after all.
   */
  deregister(agent: AgentReference): Promise<void>;
}

/**
 * Keeps passes of one fleet from overlapping: whoever holds the lease may act. It ends by itself when its holder dies.
 * Every call may throw, and then nothing may be done that needs the lease.
 */
export interface Lease {
  /** Takes the lease if it is free. Where another pass holds it, leaves word that somebody called. */
  acquire(): Promise<boolean>;
  /**
   * Prolongs it.
   *
   * @returns `undefined` where another pass has taken it over; else when somebody last called in vain, if ever
   */
  renew(): Promise<{ readonly calledAt: Date | undefined } | undefined>;
  /** Gives it back. */
  release(): Promise<void>;
}

/** A small document that outlives the function that wrote it. */
export interface Notebook {
  /** The document as it was last written; `undefined` where there is none. Never validated: read it by a schema. */
  read(): Promise<unknown>;
  /** Replaces the document. It must be JSON. */
  write(document: unknown): Promise<void>;
}

/** A machine's own word on its agent. `left`: it ended after it had been there. */
export type AgentFact = "registered" | "never-registered" | "left";

/** The instances of one fleet. */
export interface InstanceGroup {
  /** Whether it is one of the fleet's and still there. */
  has(instanceId: string): Promise<boolean>;
  /** Writes down for good what an instance said of its agent. An instance that is gone is no error. */
  note(instanceId: string, fact: AgentFact): Promise<void>;
  /** Whether an instance has said itself that it has no agent any more, or never had one. */
  saidNoAgent(instanceId: string): Promise<boolean>;
}

/** Asks the instances themselves, where no API of the vendor tells what an agent does. */
export interface InstanceCommands {
  /**
   * Runs a script that the fleet's boot put on the instance, by its file name, and resolves to what it printed, trimmed.
   * Resolves to `undefined` where the instance is no more. Throws when it does not answer in time or the script fails.
   */
  run(instanceId: string, script: string): Promise<string | undefined>;
}

/** The notifications-only memory of runs, keyed by run id; ordered by `supersedes`, so arrival order does not matter. */
export interface RunLedger {
  /** Stores the sighting unless it does not supersede the known one. Resolves to whether it was stored. */
  record(sighting: RunSighting): Promise<boolean>;
  /** Sightings that have not expired, final ones excluded. */
  listOpen(): Promise<readonly RunSighting[]>;
}

/** What a notification told about one run. */
export interface RunSighting {
  readonly runId: string;
  readonly workspaceId: string;
  /** The vendor's run status, such as `pending` or `applied`. */
  readonly status: string;
  readonly updatedAt: Date;
  /** No later status can follow. */
  readonly final: boolean;
  /** How far along the run is in this status: decides between sightings of one instant. */
  readonly rank: number;
}

/** Reads secret values by ARN (Secrets Manager or SSM parameter), without the blanks and line breaks around them. */
export interface SecretReader {
  /** The current value, cached for a few minutes; `fresh` skips the cache. Throws when empty or unreadable. */
  read(arn: string, options?: { fresh?: boolean }): Promise<string>;
  /** The current value and, where the store keeps one, the previous: newest first. Same caching. */
  readVersions(arn: string, options?: { fresh?: boolean }): Promise<readonly string[]>;
}

/** Wakes the loop early; a wake-up that gets lost changes nothing. */
export interface WakeUp {
  wake(): Promise<void>;
}
