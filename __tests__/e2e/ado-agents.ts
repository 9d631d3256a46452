import { DescribeTaskDefinitionCommand, ECSClient } from "@aws-sdk/client-ecs";
import type { FakeAgent, FakePool } from "../fakes/azure-devops/state.ts";
import type { AzureDevOpsFake } from "../fakes/azure-devops.ts";
import type { AwsFront } from "./aws-front.ts";
import { createTasks, type RunningTask } from "./tasks.ts";

/** Agents of Azure DevOps, as far as the end-to-end tests need them. The test says when they act. */
export interface AzureDevOpsAgents {
  /**
   * The actions on our agents, in order: `disable`, `enable`, `look`, `delete` and `stop`, each with the agent's name.
   */
  readonly events: readonly { readonly what: string; readonly agent: string }[];
  /** Names of agents whose task was stopped while they had, or might have had, a job. */
  readonly killed: readonly string[];
  /** Called before Azure DevOps disables an agent on request. */
  beforeDisable: ((agent: FakeAgent) => void) | undefined;
  /** The largest number of tasks that a pool had at once. */
  peak(pool: FakePool): number;
  /** The tasks of a pool, by their task definition. */
  tasks(pool: FakePool): Promise<RunningTask[]>;
  /** Registers an idle agent for every task without one, in its pool and with its name. */
  register(): Promise<void>;
  /** Azure DevOps assigns the waiting jobs, and the agents begin. */
  takeJobs(): void;
  /** Some agents of a pool finish their job and leave, because they are single-use. Without a number all do. */
  finish(pool: FakePool, count?: number): Promise<void>;
  /** Idle agents leave, for whatever reason. */
  leave(pool: FakePool): Promise<void>;
}

/** The agents of a fleet, whose cluster has its name. */
export function createAzureDevOpsAgents(at: {
  readonly endpoint: string;
  readonly region: string;
  readonly cluster: string;
  readonly front: AwsFront;
  readonly ado: AzureDevOpsFake;
}): AzureDevOpsAgents {
  const { endpoint, region, front, ado } = at;
  const { state } = ado;
  const tasks = createTasks({ ...at, nameVariable: "AZP_AGENT_NAME" });
  const ecs = new ECSClient({ region, endpoint, credentials: { accessKeyId: "test", secretAccessKey: "test" } });
  const poolNames = new Map<string, string>();
  /** All that were ever seen, by ARN. */
  const seen = new Map<string, RunningTask>();
  const events: { what: string; agent: string }[] = [];
  const killed: string[] = [];
  const alive = new Map<string, number>();
  const peaks = new Map<string, number>();

  async function poolNameOf(taskDefinition: string): Promise<string> {
    const known = poolNames.get(taskDefinition);
    if (known !== undefined) return known;
    const answer = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
    const variables = answer.taskDefinition?.containerDefinitions?.flatMap(({ environment = [] }) => environment) ?? [];
    const name = variables.find((variable) => variable.name === "AZP_POOL")?.value;
    if (name === undefined) throw new Error(`${taskDefinition} names no pool`);
    poolNames.set(taskDefinition, name);
    return name;
  }

  async function list(): Promise<(RunningTask & { readonly pool: string })[]> {
    const running = await tasks.list();
    for (const task of running) seen.set(task.arn, task);
    return Promise.all(running.map(async (task) => ({ ...task, pool: await poolNameOf(task.taskDefinition) })));
  }

  async function end(agents: readonly FakeAgent[]): Promise<void> {
    const names = new Set(agents.map(({ name }) => name));
    for (const agent of agents) state.removeAgent(agent);
    const ended = (await list()).filter(({ agentName }) => names.has(agentName));
    for (const { taskDefinition } of ended) count(taskDefinition, -1);
    await tasks.end(ended);
  }

  function count(taskDefinition: string, change: number): void {
    const family = taskDefinition.replace(/^.*\//, "");
    const now = (alive.get(family) ?? 0) + change;
    alive.set(family, now);
    peaks.set(family, Math.max(peaks.get(family) ?? 0, now));
  }

  ado.onRequest = ({ method, path, query, body }) => {
    const id = Number(/\/agents\/(\d+)$/.exec(path)?.[1]);
    const agent = state.agents.get(id)?.name ?? query.get("agentName");
    if (!agent) return;
    const enabled = method === "PATCH" && JSON.parse(body.toString("utf8")).enabled;
    const disabled = method === "PATCH" && !enabled && state.agents.get(id);
    if (disabled) agents.beforeDisable?.(disabled);
    const what = { GET: "look", PATCH: enabled ? "enable" : "disable", DELETE: "delete" }[method];
    if (what !== undefined) events.push({ what, agent });
  };
  front.onTaskStarted = ({ taskDefinition }) => count(String(taskDefinition), 1);
  front.onCall = ({ operation, input }) => {
    if (operation !== "StopTask") return;
    const task = seen.get(String(input.task));
    const agent = task?.agentName ?? `of unknown task ${input.task}`;
    events.push({ what: "stop", agent });
    if (task) count(task.taskDefinition, -1);
    if (!task || state.agentNamed(agent)?.job) killed.push(agent);
  };

  const agents: AzureDevOpsAgents = {
    events,
    killed,
    beforeDisable: undefined,
    peak(pool) {
      const families = [...poolNames].filter(([, name]) => name === pool.name).map(([arn]) => arn.replace(/^.*\//, ""));
      return Math.max(0, ...families.map((family) => peaks.get(family) ?? 0));
    },
    async tasks(pool) {
      return (await list()).filter((task) => task.pool === pool.name);
    },
    async register() {
      const pools = new Map([...state.pools.values()].map((pool) => [pool.name, pool]));
      for (const { agentName, pool: name } of await list()) {
        const pool = pools.get(name);
        if (pool && !state.agentNamed(agentName)) state.addAgent(pool, agentName);
      }
    },
    takeJobs() {
      for (const job of state.dispatch()) state.receive(job);
    },
    async finish(pool, limit) {
      const busy = state.agentsOf(pool).filter(({ job }) => job !== undefined);
      const done = busy.slice(0, limit);
      for (const { job } of done) if (job) state.finish(job);
      await end(done);
    },
    async leave(pool) {
      await end(state.agentsOf(pool).filter(({ status, job }) => status === "online" && !job));
    },
  };
  return agents;
}
