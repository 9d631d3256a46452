/**
 * The seams between the control loop and the world. Vendors, AWS adapters and test fakes stand behind these;
 * the core and the handlers see nothing else.
 */
import type { Agent, AgentRole, Demand } from "./model.ts";

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

/** CloudWatch namespace of all our metrics; their one dimension is `Fleet`. */
export const metricsNamespace = "AgentFleets";

/** The metrics there are. */
export type MetricName =
  | "JobsQueued"
  | "JobsRunning"
  | "OldestQueuedSeconds"
  | "AgentsStarting"
  | "AgentsIdle"
  | "AgentsBusy"
  | "AgentsUnclear"
  | "AgentsRetiring"
  | "AgentsOffline"
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
  /** `gone`: the vendor says that it left or is lost for good. Everything that is not proven idle or gone is busy. */
  readonly state: "idle" | "busy" | "gone";
}

/** What a vendor's runtime half offers the loop. Every call pages to the end or throws; no partial answers. */
export interface Vendor {
  /** What the vendor wants now. Throws {@link VendorApiError}. */
  readDemand(): Promise<Demand>;
  /**
   * Every agent of the pool, foreign ones too; `undefined` where this mode of observation cannot see agents, and then
   * nothing that depends on seeing them happens. Throws {@link VendorApiError}.
   */
  listAgents(): Promise<readonly VendorAgent[] | undefined>;
  /** Deletes the record of an agent that is gone. Refusals and absence are not errors. */
  removeAgent(id: string): Promise<void>;
}

/** One member of the capacity that we launched: it may or may not have become an agent yet. */
export interface CapacityMember {
  /** Task ARN or instance id. */
  readonly id: string;
  /** The name we gave at launch: the key of the join with the vendor's agents. */
  readonly agentName: string;
  readonly role: AgentRole;
  readonly phase: "pending" | "running" | "stopping";
  readonly launchedAt: Date;
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
  /** Launches of the last hour that ended without the agent ever having worked: crash at boot, never registered. */
  readonly failedLaunchesLastHour: number;
}

/** Where agents run, behind ECS or EC2. */
export interface Capacity {
  read(): Promise<CapacityReading>;
  /** Starts one member per request. Partial success is normal. */
  launch(requests: readonly LaunchRequest[]): Promise<LaunchReport>;
  /** Stops one named member that never became an agent. Never called for one that might be busy. */
  stopUnregistered(id: string): Promise<void>;
}

/** Starts the retirement of one agent; idempotent per agent. Fleets whose agents leave by themselves have none. */
export interface Retirements {
  start(agent: Agent): Promise<void>;
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

/** Reads secret values by ARN (Secrets Manager or SSM parameter). */
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
