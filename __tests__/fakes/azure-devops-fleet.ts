import type { Task } from "@aws-sdk/client-ecs";
import type { AutoscaleDeps } from "../../handlers/autoscale/deps.ts";
import { createMemory } from "../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../handlers/lib/aws/ecs-capacity.ts";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { Retirements } from "../../handlers/lib/core/ports.ts";
import { createAzureDevOps } from "../../handlers/lib/vendors/azure-devops/client.ts";
import { createAzureDevOpsRetirement } from "../../handlers/lib/vendors/azure-devops/retirement.ts";
import type { VendorDeps } from "../../handlers/lib/vendors/deps.ts";
import { handleRetire } from "../../handlers/retire/handler.ts";
import { createEcsFake, type EcsFake, ecsClientOver } from "../../scripts/simulate/world/ecs.ts";
import { policyOf } from "../fixtures/policy.ts";
import type { FakeAgent, FakeJob, FakePool } from "./azure-devops/state.ts";
import type { AzureDevOpsFake } from "./azure-devops.ts";
import type { FakeClock } from "./clock.ts";
import { createLeaseFake, createNotebookFake } from "./fleet-state.ts";
import { createLogFake, createMetricsFake, type LogFake, type MetricsFake } from "./log.ts";

/** One pool of a fleet: the loop as deployed over fakes of Azure DevOps and ECS, and agents that the test moves. */
export interface AzureDevOpsFleet {
  readonly deps: AutoscaleDeps;
  readonly pool: FakePool;
  readonly ecs: EcsFake;
  readonly log: LogFake;
  readonly metrics: MetricsFake;
  /** Jobs that an agent had when its task was stopped. */
  readonly killed: readonly FakeJob[];
  queueJobs(count: number, demands?: readonly string[]): readonly FakeJob[];
  /** Tasks that live, ordered by age. */
  tasks(): readonly Task[];
  /** Agents of the fleet that Azure DevOps knows. */
  agents(): readonly FakeAgent[];
  /** The first `count` tasks whose agent has not registered register it. */
  boot(count?: number): void;
  /** Jobs that wait find an agent and begin. */
  work(): readonly FakeJob[];
  /** Jobs end; their agents clear up after themselves, and their tasks end. */
  finish(jobs: readonly FakeJob[]): void;
}

/** See {@link AzureDevOpsFleet}. `vendorDeps` are those of all pools of a fleet. */
export function createAzureDevOpsFleet(
  fake: AzureDevOpsFake,
  { name, pool, policy, vendorDeps, clock }: FleetOptions,
): AzureDevOpsFleet {
  const { state } = fake;
  const ecs = createEcsFake(clock);
  const log = createLogFake();
  const metrics = createMetricsFake();
  const runtime = fake.runtime(pool);
  const vendor = createAzureDevOps(runtime, vendorDeps);
  const retirement = createAzureDevOpsRetirement(runtime, vendorDeps);
  const killed: FakeJob[] = [];
  const prefix = `${name}_`;
  let suffixes = 0;

  const tasks = () => [...ecs.tasks.values()].filter(({ lastStatus }) => lastStatus !== "STOPPED");
  const agentNameOf = (task: Task) =>
    task.overrides?.containerOverrides?.[0]?.environment?.find((each) => each.name === "AZP_AGENT_NAME")?.value ?? "";
  const agentOf = (task: Task) => state.agentNamed(agentNameOf(task), pool);

  function end(task: Task): void {
    Object.assign(task, { lastStatus: "STOPPED", desiredStatus: "STOPPED", stoppedAt: clock.now() });
  }

  /** What the workflow does, in one go: it is tested by itself. */
  const retirements: Retirements = {
    running: () => Promise.resolve(new Set()),
    async start(agent, reason) {
      const pools = new Map([[undefined, { retirement, vendor, metrics }]]);
      const take = (step: string) => handleRetire({ step, agent, reason }, { pools, log });
      const drained = await take("drain");
      if ("state" in drained && drained.state === "busy") {
        await take("undrain");
        return true;
      }
      await take("deregister");
      ecs.perform({ operation: "StopTask", input: { cluster: "ci", task: agent.capacityId } });
      return true;
    },
  };

  const perform = ecs.perform;
  ecs.perform = (call) => {
    const task = call.operation === "StopTask" ? ecs.tasks.get(String(call.input.task)) : undefined;
    const job = task && agentOf(task)?.job;
    if (job) killed.push(job);
    const answer = perform(call);
    if (task) end(task);
    return answer;
  };

  return {
    pool,
    ecs,
    log,
    metrics,
    killed,
    deps: {
      poolName: name,
      policy: policyOf({ max: 100, departure: "by-retirement", canRetire: true, ...policy }),
      lease: createLeaseFake(),
      notebook: createNotebookFake(),
      tickSeconds: 10,
      vendor,
      capacity: createEcsCapacity(
        {
          type: "ecs",
          cluster: "ci",
          taskDefinition: `${name.replace(".", "-")}:1`,
          container: "agent",
          capacityProviders: ["FARGATE"],
          subnets: ["subnet-a"],
          securityGroups: [],
          assignPublicIp: "false",
          enableExecuteCommand: false,
          nameVariable: "AZP_AGENT_NAME",
        },
        { ecs: ecsClientOver(async (call) => ecs.perform(call)), clock, notebook: createNotebookFake() },
      ),
      retirements,
      memory: createMemory(),
      clock,
      log,
      metrics,
      newSuffix() {
        suffixes += 1;
        return `s${suffixes}`;
      },
    },
    queueJobs: (count, demands) => Array.from({ length: count }, () => state.queueJob(pool, demands)),
    tasks,
    agents: () => state.agentsOf(pool).filter((agent) => agent.name.startsWith(prefix)),
    boot(count = Number.POSITIVE_INFINITY) {
      const unregistered = tasks().filter((task) => !agentOf(task));
      for (const task of unregistered.slice(0, count)) {
        Object.assign(task, { lastStatus: "RUNNING", startedAt: clock.now() });
        state.addAgent(pool, agentNameOf(task));
      }
    },
    work() {
      const assigned = state.dispatch(pool);
      for (const job of assigned) state.receive(job);
      return assigned;
    },
    finish(jobs) {
      for (const job of jobs) {
        const { agent } = job;
        state.finish(job);
        if (!agent) continue;
        const task = tasks().find((each) => agentNameOf(each) === agent.name);
        state.removeAgent(agent);
        if (task) end(Object.assign(task, { stopCode: "EssentialContainerExited", containers: [{ exitCode: 0 }] }));
      }
    },
  };
}

/** What makes one pool. */
interface FleetOptions {
  /** Begins its agents' names. */
  readonly name: string;
  readonly pool: FakePool;
  readonly policy?: Partial<Policy>;
  readonly vendorDeps: VendorDeps;
  readonly clock: FakeClock;
}
