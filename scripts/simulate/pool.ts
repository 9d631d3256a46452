import { createGroups } from "../../handlers/lib/aws/capacity.ts";
import { createEcsCapacity } from "../../handlers/lib/aws/ecs-capacity.ts";
import type { Pace } from "../../handlers/lib/aws/pace.ts";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { Capacity, Notebook } from "../../handlers/lib/core/ports.ts";
import { lowestFloor } from "../../handlers/lib/core/schedule.ts";
import type { EcsCapacityConfig } from "../../handlers/lib/settings/ecs-capacity.ts";
import type { Trouble } from "./faults.ts";
import type { Place } from "./fleet.ts";
import type { EventClock } from "./world/event-clock.ts";
import { createFleetWorld } from "./world/fleet-world.ts";
import { createGroupWorld } from "./world/group-world.ts";
import type { SeenAgent, WorldEvent, WorldSettings } from "./world/model.ts";

/** A pool's world, and how a new container of the loop reaches its capacity. */
export interface Pool {
  readonly name: string;
  readonly policy: Policy;
  readonly world: Pick<ReturnType<typeof createFleetWorld>, "vendor" | "retirements" | "violations" | "queueJob">;
  connect(deps: { readonly notebookOf: (part?: string) => Notebook; readonly pace: Pace }): Capacity;
}

interface PoolOptions {
  readonly name: string;
  readonly policy: Policy;
  readonly clock: EventClock;
  readonly random: () => number;
  readonly trouble: Trouble;
  readonly idleTimeoutSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** From the order of an agent until it takes jobs. */
  readonly bootSeconds: () => number;
  readonly observe: (event: WorldEvent<SeenAgent>) => void;
}

/** Slowest answer of AWS and the vendor, in milliseconds: assumed. */
const slowestCallMs = 300;

/** A pool of ours. */
export function createPool(place: Place, options: PoolOptions): Pool {
  return place.type === "group" ? groupPool(place, options) : taskPool(place, options);
}

/** The world of tasks, which policies of other systems share. @param others what differs in theirs */
export function createTasks(
  place: Exclude<Place, { type: "group" }>,
  options: Omit<PoolOptions, "observe"> & { readonly observe: (event: WorldEvent) => void },
  others: Partial<WorldSettings> = {},
) {
  const { name, policy, clock, random, trouble } = options;
  const world = createFleetWorld(clock, random, {
    name,
    max: policy.max,
    singleUse: policy.singleUse,
    departure: policy.departure,
    showsAgents: true,
    keepsRecords: true,
    idleTimeoutSeconds: options.idleTimeoutSeconds,
    maxLifetimeSeconds: options.maxLifetimeSeconds,
    registrationGraceSeconds: policy.registrationGraceSeconds,
    listingLagSeconds: [2, 5],
    slowestCallMs,
    bootSeconds: options.bootSeconds,
    ...(place.type === "hosts" &&
      trouble.roomOnHosts && { hosts: { places: Number.POSITIVE_INFINITY, hasRoom: trouble.roomOnHosts } }),
    observe: options.observe,
    ...others,
  });
  world.trouble = trouble.tasks;
  trouble.haunt(world);
  return world;
}

function taskPool(place: Exclude<Place, { type: "group" }>, options: PoolOptions): Pool {
  const { name, policy, clock } = options;
  const world = createTasks(place, options);
  const config: EcsCapacityConfig = {
    type: "ecs",
    cluster: "ci",
    taskDefinition: "ci:1",
    container: "agent",
    capacityProviders: [place.type === "hosts" ? "hosts-ci" : "FARGATE"],
    subnets: ["subnet-a", "subnet-b"],
    securityGroups: [],
    assignPublicIp: "false",
    enableExecuteCommand: false,
    nameVariable: "TFC_AGENT_NAME",
  };
  return {
    name,
    policy,
    world,
    connect: ({ notebookOf, pace }) =>
      createEcsCapacity(config, { ecs: world.connect(), clock, pace, notebook: notebookOf() }),
  };
}

function groupPool(place: Extract<Place, { type: "group" }>, options: PoolOptions): Pool {
  const { name, policy, clock, random, trouble } = options;
  const { boots, fallbackSeconds } = place;
  const world = createGroupWorld(clock, random, {
    // As stacks/constructs/instances/asg-capacity.ts has it; the loop keeps what the schedule adds.
    min: lowestFloor(policy),
    max: policy.max,
    initial: place.initial === undefined ? undefined : Math.min(policy.max, place.initial),
    departure: policy.departure,
    // An agent that the loop retires takes one job after another.
    singleUse: policy.departure === "by-itself" && policy.singleUse,
    idleTimeoutSeconds: options.idleTimeoutSeconds,
    boots,
    spotFallback: fallbackSeconds !== undefined,
    bootSeconds: options.bootSeconds,
    slowestCallMs,
    observe: options.observe,
  });
  world.trouble = trouble.groups;
  world.launchFails = trouble.launchEnd;
  trouble.haunt(world);
  const config = {
    type: "asg",
    group: "ci",
    hook: "agent-fleets-retire",
    bootSeconds: boots.bootSeconds,
    ...(fallbackSeconds !== undefined && { fallback: { group: "ci-on-demand", afterSeconds: fallbackSeconds } }),
  } as const;
  return {
    name,
    policy,
    world,
    connect: ({ notebookOf }) => createGroups(config, { ...world.connect(), clock }, notebookOf),
  };
}
