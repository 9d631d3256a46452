import type { Clock } from "../../../handlers/lib/core/ports.ts";

export interface FakePool {
  readonly id: string;
  readonly name: string;
}

export interface FakeAgent {
  readonly id: string;
  readonly name: string;
  readonly poolId: string;
  /** `idle`, `busy`, `unknown`, `errored`, `exited`, or anything a test wants. */
  status: string;
}

export interface FakeAgentToken {
  readonly id: string;
  readonly poolId: string;
  readonly description: string;
  readonly value: string;
  readonly createdAt: string;
  lastUsedAt?: string | undefined;
}

export interface FakeWorkspace {
  readonly id: string;
  readonly name: string;
  executionMode: string;
  agentPoolId: string | undefined;
  /** Whether it follows {@link HcpTerraformState.defaultExecution}. */
  inherited: boolean;
  autoApply: boolean;
  assessmentsEnabled: boolean;
  globalRemoteState: boolean;
  /** Ids of the workspaces that may read its state. */
  readonly remoteStateConsumers: Set<string>;
}

export interface FakeConfigurationVersion {
  readonly id: string;
  readonly workspaceId: string;
  readonly speculative: boolean;
  /** What was uploaded. */
  content: Buffer | undefined;
}

export interface FakeRun {
  readonly id: string;
  readonly workspaceId: string;
  readonly planOnly: boolean;
  readonly autoApply: boolean;
  readonly message: string;
  readonly createdAt: Date;
  readonly timestamps: Map<string, Date>;
  readonly configurationVersionId?: string | undefined;
  status: string;
  /** What it will become, one step each time it is read. */
  readonly upcoming: string[];
}

export interface FakeNotification {
  readonly id: string;
  readonly workspaceId: string;
  name: string;
  url: string;
  token: string;
  triggers: string[];
  enabled: boolean;
}

const finalStatuses = new Set([
  "applied",
  "planned_and_finished",
  "errored",
  "canceled",
  "force_canceled",
  "discarded",
  "policy_soft_failed",
]);

/** Whether no later status can follow. */
export function isFinal({ status }: FakeRun): boolean {
  return finalStatuses.has(status);
}

/** One organization. Tests and the API of the fake change it alike. */
export class HcpTerraformState {
  readonly organization = "acme";
  readonly pools = new Map<string, FakePool>();
  readonly agents = new Map<string, FakeAgent>();
  /** A new one is a second younger than the last. */
  readonly agentTokens = new Map<string, FakeAgentToken>();
  readonly workspaces = new Map<string, FakeWorkspace>();
  readonly configurationVersions = new Map<string, FakeConfigurationVersion>();
  readonly runs = new Map<string, FakeRun>();
  readonly notifications = new Map<string, FakeNotification>();
  /** What a run started through the API becomes, one step each time it is read. */
  progress = ["plan_queued", "planning", "planned", "apply_queued", "applying", "applied"];
  /** Called after each change of a run's status. */
  onStatus: (run: FakeRun) => void = () => {};
  /** What the log addresses of plans and applies answer. */
  logs = { plan: "the plan's log\n", apply: "the apply's log\n" };
  /**
   * Whether the organization's runs are listed at all: old servers do not, and no token without rights may see them.
   */
  listsOrganizationRuns = true;
  /** The default that the project or organization gives to workspaces without settings of their own. */
  defaultExecution: { readonly executionMode: string; readonly agentPoolId: string | undefined } = {
    executionMode: "remote",
    agentPoolId: undefined,
  };
  /** Whether the server knows defaults, and tells which workspaces have settings of their own. */
  knowsDefaults = true;
  /** Refuse lists of runs beyond this many a minute. */
  runListsPerMinute: number | undefined;
  #count = 0;

  constructor(
    readonly clock: Clock,
    public token: string,
  ) {}

  addPool(name: string): FakePool {
    const pool = { id: this.newId("apool"), name };
    this.pools.set(pool.id, pool);
    return pool;
  }

  addWorkspace(name: string, pool?: FakePool): FakeWorkspace {
    const workspace = {
      id: this.newId("ws"),
      name,
      ...(pool ? { executionMode: "agent", agentPoolId: pool.id } : this.defaultExecution),
      inherited: pool === undefined,
      autoApply: false,
      assessmentsEnabled: false,
      globalRemoteState: false,
      remoteStateConsumers: new Set<string>(),
    };
    this.workspaces.set(workspace.id, workspace);
    return workspace;
  }

  registerAgent(name: string, pool: FakePool, status = "idle"): FakeAgent {
    const agent = { id: this.newId("agent"), name, poolId: pool.id, status };
    this.agents.set(agent.id, agent);
    return agent;
  }

  setAgentStatus(id: string, status: string): void {
    known(this.agents, id).status = status;
  }

  /** A run that stays as it is until a test moves it. */
  queueRun(workspace: FakeWorkspace, options: { status?: string; planOnly?: boolean; createdAt?: Date } = {}): FakeRun {
    return this.addRun({ workspaceId: workspace.id, status: "plan_queued", ...options });
  }

  addRun(run: Partial<FakeRun> & Pick<FakeRun, "workspaceId">): FakeRun {
    const createdAt = run.createdAt ?? this.clock.now();
    const added: FakeRun = {
      id: this.newId("run"),
      planOnly: false,
      autoApply: false,
      message: "a run",
      status: "pending",
      timestamps: new Map(),
      upcoming: [],
      ...run,
      createdAt,
    };
    if (added.status !== "pending") added.timestamps.set(stampName(added.status), createdAt);
    this.runs.set(added.id, added);
    return added;
  }

  setRunStatus(id: string, status: string): void {
    const run = known(this.runs, id);
    run.status = status;
    run.timestamps.set(stampName(status), this.clock.now());
    this.onStatus(run);
  }

  finishRun(id: string, status = "applied"): void {
    this.setRunStatus(id, status);
  }

  /** Runs that are not final, of workspaces on this pool. */
  openRuns(poolName: string): FakeRun[] {
    return [...this.runs.values()].filter((run) => {
      const poolId = this.workspaces.get(run.workspaceId)?.agentPoolId;
      return !isFinal(run) && poolId !== undefined && this.pools.get(poolId)?.name === poolName;
    });
  }

  newId(prefix: string): string {
    this.#count += 1;
    return `${prefix}-${String(this.#count).padStart(8, "0")}`;
  }
}

function stampName(status: string): string {
  return `${status.replaceAll("_", "-")}-at`;
}

function known<T>(items: ReadonlyMap<string, T>, id: string): T {
  const item = items.get(id);
  if (item === undefined) throw new Error(`the fake knows no ${id}`);
  return item;
}
