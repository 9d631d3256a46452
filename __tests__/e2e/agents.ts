import type { FakePool, FakeRun, HcpTerraformState } from "../fakes/hcp-terraform/state.ts";
import { createTasks, type RunningTask } from "./tasks.ts";

/** Agents of HCP Terraform. moto starts tasks, but nothing runs in them, so the test says when agents act. */
export interface Agents {
  /** The largest number of tasks at once. */
  readonly peak: number;
  /** Call it when a task has been started. */
  taskStarted(): void;
  tasks(): Promise<RunningTask[]>;
  /** Registers an idle agent in the pool for every task without one, with the name of the task's overrides. */
  register(): Promise<void>;
  /** Every idle agent takes a queued run, as long as there are any. */
  takeJobs(): void;
  /** Some agents finish their run and leave, because they are single-use. Without a number all do. */
  finish(count?: number): Promise<void>;
  /** Ends the tasks, as when their agents leave by themselves. */
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
      const idle = [...state.agents.values()].filter(({ status, poolId }) => status === "idle" && poolId === pool.id);
      const queued = [...state.runs.values()].filter(
        ({ status, workspaceId }) =>
          status === "plan_queued" && state.workspaces.get(workspaceId)?.agentPoolId === pool.id,
      );
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
