import type { Clock } from "../../../handlers/lib/core/ports.ts";

/** An agent pool. */
export interface FakePool {
  readonly id: number;
  readonly name: string;
}

/** An agent as the pool knows it. */
export interface FakeAgent {
  readonly id: number;
  readonly pool: FakePool;
  name: string;
  version: string;
  enabled: boolean;
  status: string;
  capabilities: Record<string, string>;
  createdOn: string;
  statusChangedOn: string | undefined;
  job: FakeJob | undefined;
  /** Lists leave it out, as late ones do. */
  hidden?: boolean;
  /** It is shown without its job, as a look that is late shows it. */
  stale?: boolean;
}

/** A job request. Times are ISO texts with seven decimals, as the real ones. */
export interface FakeJob {
  readonly id: number;
  readonly pool: FakePool;
  readonly demands: readonly string[];
  readonly queueTime: string;
  assignTime?: string;
  receiveTime?: string;
  finishTime?: string;
  result?: "succeeded" | "failed" | "canceled";
  agent?: FakeAgent;
}

/** What agents of tests offer unless said otherwise. */
const defaultCapabilities = { "Agent.Version": "4.272.0", "Agent.OS": "Linux" };

/** What nearly every job demands. */
const defaultDemands = ["Agent.Version -gtVersion 2.182.1"];

/**
 * What a collection knows, and how it moves: jobs queue, are assigned to agents that are connected, enabled and free and
 * offer what they demand, are received, and end. Nothing moves by itself.
 */
export class AzureDevOpsState {
  readonly pools = new Map<number, FakePool>();
  readonly agents = new Map<number, FakeAgent>();
  readonly jobs = new Map<number, FakeJob>();

  /** The one personal access token that is accepted. */
  pat = "test-pat";
  /** How a wrong one is answered. */
  refusal: 203 | 302 | 401 = 203;
  /** The service principal that Entra knows. */
  readonly principal = { tenantId: "tenant", clientId: "client", secret: "test-client-secret" };
  /** Tokens of Entra that are accepted, with when they end. */
  readonly tokens = new Map<string, number>();
  tokenSeconds = 3600;
  tokensGiven = 0;

  /** Whether the credential may see the pools, and change what is in them. */
  rights: "manage" | "read" | "none" = "manage";
  /** Asked for in the headers of every good answer. */
  slowDownSeconds: number | undefined;
  /** Requests that came before the time that was asked for was over. */
  tooEarly = 0;
  /** Self-hosted parallel jobs of private projects; `undefined`: not told. */
  parallelJobs: number | undefined = 25;
  /** How a second agent of one name is refused. */
  duplicateStatus: 400 | 409 = 409;
  #ids = 0;

  constructor(readonly clock: Clock) {}

  addPool(name: string): FakePool {
    const pool = { id: this.#nextId(), name };
    this.pools.set(pool.id, pool);
    return pool;
  }

  /** Registers an agent, by default one that is connected and waits for a job. */
  addAgent(pool: FakePool, name: string, changes: Partial<Omit<FakeAgent, "id" | "pool" | "name">> = {}): FakeAgent {
    const agent: FakeAgent = {
      id: this.#nextId(),
      pool,
      name,
      version: "4.272.0",
      enabled: true,
      status: "online",
      capabilities: { ...defaultCapabilities },
      createdOn: this.#now(),
      statusChangedOn: this.#now(),
      job: undefined,
      ...changes,
    };
    this.agents.set(agent.id, agent);
    return agent;
  }

  agentNamed(name: string, pool?: FakePool): FakeAgent | undefined {
    return [...this.agents.values()].find((agent) => agent.name === name && (!pool || agent.pool === pool));
  }

  connect(agent: FakeAgent): void {
    this.#changeStatus(agent, "online");
  }

  disconnect(agent: FakeAgent): void {
    this.#changeStatus(agent, "offline");
  }

  /** A job that no agent of the pool could ever take, connected or not, fails at once. */
  queueJob(pool: FakePool, demands: readonly string[] = defaultDemands): FakeJob {
    const job = this.addJob(pool, { demands });
    const capable = this.agentsOf(pool).some((agent) => offersAll(agent, demands));
    if (!capable) Object.assign(job, { result: "failed", finishTime: this.#now() });
    return job;
  }

  /** A job as it is, by default one that waits. */
  addJob(pool: FakePool, changes: Partial<Omit<FakeJob, "id" | "pool">> = {}): FakeJob {
    const job: FakeJob = { id: this.#nextId(), pool, demands: defaultDemands, queueTime: this.#now(), ...changes };
    this.jobs.set(job.id, job);
    if (job.agent) job.agent.job = job;
    return job;
  }

  /** Assigns what waits, first come first served. Resolves to what was assigned. */
  dispatch(pool?: FakePool): readonly FakeJob[] {
    const waiting = [...this.jobs.values()].filter((job) => !job.result && !job.agent && (!pool || job.pool === pool));
    return waiting.filter((job) => {
      const agent = this.agentsOf(job.pool).find((each) => takesJobs(each) && offersAll(each, job.demands));
      if (!agent) return false;
      Object.assign(job, { agent, assignTime: this.#now() });
      agent.job = job;
      return true;
    });
  }

  /** The agent begins with its job. */
  receive(job: FakeJob): void {
    job.receiveTime = this.#now();
  }

  /** The job is over; its agent is free. */
  finish(job: FakeJob, result: FakeJob["result"] & string = "succeeded"): void {
    Object.assign(job, { result, finishTime: this.#now() });
    if (job.agent) job.agent.job = undefined;
  }

  removeAgent(agent: FakeAgent): void {
    this.agents.delete(agent.id);
  }

  agentsOf(pool: FakePool): readonly FakeAgent[] {
    return [...this.agents.values()].filter((agent) => agent.pool === pool);
  }

  jobsOf(pool: FakePool): readonly FakeJob[] {
    return [...this.jobs.values()].filter((job) => job.pool === pool);
  }

  #changeStatus(agent: FakeAgent, status: string): void {
    Object.assign(agent, { status, statusChangedOn: this.#now() });
  }

  #nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  #now(): string {
    return this.clock.now().toISOString().replace("Z", "6667Z");
  }
}

function takesJobs({ status, enabled, job }: FakeAgent): boolean {
  return status === "online" && enabled && job === undefined;
}

function offersAll({ capabilities }: FakeAgent, demands: readonly string[]): boolean {
  return demands.every((demand) => {
    const [, name = "", operator, value = ""] = /^(\S+)(?:\s+-(\S+)\s+(.*))?$/.exec(demand) ?? [];
    const offered = Object.entries(capabilities).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    if (offered === undefined) return false;
    if (operator === undefined) return true;
    if (operator === "equals") return offered.toLowerCase() === value.toLowerCase();
    return operator === "gtVersion" && offered.localeCompare(value, "en", { numeric: true }) >= 0;
  });
}
