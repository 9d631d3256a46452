import type { FakePool, FakeRun, HcpTerraformState } from "../fakes/hcp-terraform/state.ts";
import { createTasks, type RunningTask } from "./tasks.ts";

/** What agents of HCP Terraform do: moto starts tasks, but nothing runs in them. The test says when. */
export interface Agents {
  /** The most tasks that ever were at once. */
  readonly peak: number;
  /** Tells that a task has been started. */
  taskStarted(): void;
  tasks(): Promise<RunningTask[]>;
  /** Every task that has no agent yet gets an idle one in the pool, by the name that its overrides tell. */
  register(): Promise<void>;
  /** Every idle agent takes a queued run, as long as there are any. */
  takeJobs(): void;
  /** So many agents finish their run and leave, being single-use; without a number all do. */
  finish(count?: number): Promise<void>;
  /** The tasks end, as those of agents do that leave on their own. */
  leave(tasks: readonly RunningTask[]): Promise<void>;
}

/** The agents of the fleet whose cluster is `cluster`. */
export function createAgents(options: {
  readonly endpoint: string;
  readonly region: string;
  readonly cluster: string;
  readonly pool: FakePool;
  readonly state: HcpTerraformState;
}): Agents {
  const { pool, state } = options;
  const tasks = createTasks({ ...options, nameVariable: "TFC_AGENT_NAME" });
  const jobs = new Map<string, FakeRun>();
  let alive = 0;
  let peak = 0;

  const agents: Agents = {
    get peak() {
      return peak;
    },
    taskStarted() {
      alive += 1;
      peak = Math.max(peak, alive);
    },
    tasks: () => tasks.list(),
    async register() {
      const known = new Set([...state.agents.values()].map(({ name }) => name));
      for (const { agentName } of await agents.tasks()) {
        if (!known.has(agentName)) state.registerAgent(agentName, pool);
      }
    },
    takeJobs() {
      const idle = [...state.agents.values()].filter(({ status }) => status === "idle");
      const queued = [...state.runs.values()].filter(({ status }) => status === "plan_queued");
      for (const [index, agent] of idle.entries()) {
        const run = queued[index];
        if (!run) return;
        agent.status = "busy";
        state.setRunStatus(run.id, "planning");
        jobs.set(agent.name, run);
      }
    },
    async finish(count = jobs.size) {
      const done = new Map([...jobs].slice(0, count));
      for (const [name, run] of done) {
        state.finishRun(run.id);
        for (const agent of state.agents.values()) if (agent.name === name) agent.status = "exited";
        jobs.delete(name);
      }
      await agents.leave((await agents.tasks()).filter(({ agentName }) => done.has(agentName)));
    },
    async leave(left) {
      await tasks.end(left);
      alive -= left.length;
    },
  };
  return agents;
}
