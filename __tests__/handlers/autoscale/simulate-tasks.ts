import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import { createEcsCapacity } from "../../../handlers/lib/aws/ecs-capacity.ts";
import { type Overrides, underOverrides } from "../../../handlers/lib/core/overrides.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { EcsCapacityConfig } from "../../../handlers/lib/settings/ecs-capacity.ts";
import { createEventClock } from "../../../scripts/simulate/world/event-clock.ts";
import { createFleetWorld } from "../../../scripts/simulate/world/fleet-world.ts";
import type { WorldSettings } from "../../../scripts/simulate/world/model.ts";
import { createRandom } from "../../../scripts/simulate/world/random.ts";
import { createLeaseFake, createNotebookFake } from "../../fakes/fleet-state.ts";
import { createLogFake, createMetricsFake } from "../../fakes/log.ts";
import { azureDevOpsRetirementOf } from "../../fakes/worlds/azure-devops.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { createLoopDriver } from "./driver.ts";

/** Tasks of one family in two subnets, on Spot before On-Demand. */
export const capacityConfig: EcsCapacityConfig = {
  type: "ecs",
  cluster: "ci",
  taskDefinition: "ci:1",
  container: "agent",
  capacityProviders: ["FARGATE_SPOT", "FARGATE"],
  subnets: ["subnet-a", "subnet-b"],
  securityGroups: [],
  assignPublicIp: "false",
  enableExecuteCommand: false,
  nameVariable: "TFC_AGENT_NAME",
};

/** In seconds. */
export const hour = 3600;

/** A fleet of tasks, and the world that it lives in. */
export interface TaskFleet {
  readonly seed: number;
  readonly min: number;
  readonly max: number;
  readonly buffer: Policy["buffer"];
  readonly singleUse: boolean;
  readonly showsAgents: boolean;
  readonly keepsRecords: boolean;
  /** Left out: agents leave by themselves. */
  readonly departure?: Policy["departure"];
  /** On EC2 hosts. Left out: on Fargate. */
  readonly hosts?: WorldSettings["hosts"];
}

interface TaskOptions {
  readonly rules?: Partial<Policy>;
  /** What operators have set at a time. Left out: nothing. */
  readonly overridesOf?: ((now: Date) => Overrides) | undefined;
}

/** The loop as deployed, over the real ECS adapter, against a world on virtual time. */
export function simulateTasks(
  { seed, min, max, buffer, ...fleet }: TaskFleet,
  { rules = {}, overridesOf }: TaskOptions = {},
) {
  const random = createRandom(seed);
  const clock = createEventClock();
  const settings = {
    ...fleet,
    max,
    idleTimeoutSeconds: 300,
    maxLifetimeSeconds: 24 * hour,
    registrationGraceSeconds: 120,
    listingLagSeconds: [0, 20] as const,
  };
  const world = createFleetWorld(clock, random, settings, azureDevOpsRetirementOf);
  const config = fleet.hosts ? { ...capacityConfig, capacityProviders: ["hosts-apps"] } : capacityConfig;
  const metrics = createMetricsFake();
  const [notebook, capacityNotebook] = [createNotebookFake(), createNotebookFake()];
  let names = 0;
  const drawPolicy = () =>
    policyOf({
      min,
      max,
      buffer,
      singleUse: fleet.singleUse,
      departure: fleet.departure ?? "by-itself",
      canRetire: fleet.departure === "by-retirement",
      scaleOutCooldownSeconds: random() < 0.5 ? 0 : 20,
      maxAddedPerTick: 5,
      maxRemovedPerTick: 3,
      registrationGraceSeconds: 120,
      ...rules,
    });
  const start = (policy = drawPolicy()): AutoscaleDeps => ({
    poolName: "ci",
    policy,
    inForce: async () => {
      const overrides = overridesOf?.(clock.now()) ?? {};
      return { ...overrides, policy: underOverrides(policy, overrides, 0) };
    },
    tickSeconds: 10,
    vendor: world.vendor,
    ...(fleet.departure === "by-retirement" && { retirements: world.retirements }),
    capacity: createEcsCapacity(config, { ecs: world.connect(), clock, notebook: capacityNotebook }),
    lease: createLeaseFake(),
    notebook,
    memory: createMemory(),
    clock,
    log: createLogFake(),
    metrics,
    newSuffix() {
      names += 1;
      return `n${names}`;
    },
  });
  const loop = createLoopDriver(clock, random, start);
  let jobs = 0;
  let stages = 0;

  return {
    world,
    clock,
    metrics,
    jobs: () => jobs,
    stages: () => stages,
    /** Jobs come in bursts; each wakes the loop, not at all, or twice. */
    queueJobs(until: number) {
      for (let at = random() * 600; at < until; at += random() * 1200) {
        for (let burst = 1 + Math.floor(random() * max); burst > 0; burst -= 1) {
          clock.after(at + random() * 30, () => {
            jobs += 1;
            const seconds = () => 20 + random() * 600;
            const job = random() < 0.5 ? [seconds()] : [seconds(), seconds()];
            stages += job.length;
            world.queueJob(job);
            loop.wake(Math.floor(random() * 3));
          });
        }
      }
    },
    pass: loop.pass,
  };
}
