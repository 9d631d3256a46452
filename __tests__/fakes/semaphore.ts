import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "./http-fake.ts";

const api = "/api/v1/self_hosted_agents";
const syncAfterMilliseconds = 5_000;

interface Job {
  readonly id: string;
  /** The agent that runs it. */
  agent: string | undefined;
}

/** An agent as it registered, until it disconnects. */
interface FakeSemaphoreAgent {
  readonly name: string;
  readonly accessToken: string;
  readonly singleJob: boolean;
  readonly idleTimeoutSeconds: number;
}

/**
 * Semaphore's API as a loopback server, for one agent type: what self-hosted agents ask for, and the metrics. As the real
 * one, it answers a registration token that no agent type has with 404, and counts agents that left hours ago.
 */
export interface SemaphoreFake extends HttpFake {
  /** The registration token at first; set `state.token` to reset it. */
  readonly token: string;
  readonly state: {
    token: string;
    /** Registrations beyond it are refused. */
    agentQuota: number;
    readonly agents: Map<string, FakeSemaphoreAgent>;
    readonly jobs: Map<string, Job>;
    /** What metrics tell of agents, whoever is there: nothing may depend on it. */
    staleAgents: number;
  };
  /** Queues a job. */
  queueJob(): string;
  /** Ends a job. */
  finishJob(id: string): void;
}

/** Starts the fake on a free port. */
export async function startSemaphoreFake(): Promise<SemaphoreFake> {
  const token = "test-token";
  const state: SemaphoreFake["state"] = { token, agentQuota: 1000, agents: new Map(), jobs: new Map(), staleAgents: 0 };
  let ids = 0;
  const nextId = (what: string) => `${what}-${++ids}`;
  const jobs = () => [...state.jobs.values()];

  function metrics(): FakeAnswer {
    const running = jobs().filter(({ agent }) => agent !== undefined).length;
    const agents = { idle: state.agents.size - running + state.staleAgents, occupied: running };
    return { status: 200, json: { jobs: { queued: state.jobs.size - running, running }, agents } };
  }

  function register({ body }: FakeRequest): FakeAnswer {
    const { name, single_job: singleJob, idle_timeout: idleTimeoutSeconds } = JSON.parse(body.toString());
    if (!/^[\w/+-]{1,80}$/.test(name) || state.agents.has(name))
      return { status: 400, text: "agent can't be registered" };
    if (state.agents.size >= state.agentQuota) return { status: 422, text: "agent quota has been reached" };
    const agent = { name, accessToken: nextId("access"), singleJob, idleTimeoutSeconds };
    state.agents.set(name, agent);
    return { status: 201, json: { name, token: agent.accessToken } };
  }

  /** One sync of an agent that says what it does: it gets a job, goes on, or is told to leave. */
  function sync(agent: FakeSemaphoreAgent, { body }: FakeRequest): FakeAnswer {
    const { state: doing, interrupted_at: interruptedAt } = JSON.parse(body.toString());
    const answer = (action: string, more = {}) => ({
      status: 200,
      json: { action, next_sync_after: syncAfterMilliseconds, ...more },
    });
    if (doing === "finished-job" && agent.singleJob) return answer("shutdown", { shutdown_reason: "job-finished" });
    if (doing === "running-job") return answer("continue");
    if (interruptedAt) return answer("shutdown", { shutdown_reason: "interrupted" });
    const job = jobs().find((each) => each.agent === undefined);
    if (job === undefined) return answer(doing === "finished-job" ? "wait-for-jobs" : "continue");
    job.agent = agent.name;
    return answer("run-job", { job_id: job.id });
  }

  function handle(request: FakeRequest): FakeAnswer {
    const given = /^Token (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (given === undefined) return { status: 401 };
    const ofAgentType = given === state.token;
    const agent = [...state.agents.values()].find(({ accessToken }) => accessToken === given);
    switch (`${request.method} ${request.path}`) {
      case `GET ${api}/metrics`:
        return ofAgentType ? metrics() : { status: 404 };
      case `POST ${api}/register`:
        return ofAgentType ? register(request) : { status: 404 };
      case `POST ${api}/sync`:
        return agent ? sync(agent, request) : { status: 404 };
      case `POST ${api}/disconnect`:
        if (agent) state.agents.delete(agent.name);
        return { status: agent ? 200 : 404 };
      default:
        return { status: 404 };
    }
  }

  return Object.assign(await startHttpFake(handle), {
    token,
    state,
    queueJob() {
      const id = nextId("job");
      state.jobs.set(id, { id, agent: undefined });
      return id;
    },
    finishJob(id: string) {
      state.jobs.delete(id);
    },
  });
}
