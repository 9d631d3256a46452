import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient } from "@aws-sdk/client-ecs";
import type { Capacity, Clock, Notebook } from "../core/ports.ts";
import type { AsgCapacityConfig } from "../settings/asg-capacity.ts";
import type { CapacityConfig } from "../settings/capacity.ts";
import { createAsgCapacity } from "./asg-capacity.ts";
import { clientOptions } from "./client-options.ts";
import { createEcsCapacity } from "./ecs-capacity.ts";
import { createRunTaskPace } from "./ecs-launcher.ts";
import { createSpotFallback } from "./spot-fallback.ts";

type GroupDeps = Omit<Parameters<typeof createAsgCapacity>[1], "notebook">;

/** A part of a capacity that writes a document. `undefined`: its only or first group. */
type Part = "on-demand" | "fallback" | undefined;

type NotebookOf = (part?: Part) => Notebook;

/** The name of a document of a pool's capacity in the fleet's state table. */
export function capacityDocument(poolName: string, part: Part): string {
  return ["capacity", poolName, part].filter(Boolean).join(" ");
}

/**
 * Makes the capacity adapters that a fleet's environment names, one per pool. They share their clients and their launch
 * rate, because AWS limits accounts, not pools.
 *
 * @param region left out: the environment's
 */
export function createCapacities(
  clock: Clock,
  region?: string,
): (config: CapacityConfig, notebookOf: NotebookOf) => Capacity {
  const options = { ...clientOptions, ...(region !== undefined && { region }) };
  let tasks: Omit<Parameters<typeof createEcsCapacity>[1], "notebook"> | undefined;
  let groups: GroupDeps | undefined;

  return (config, notebookOf) => {
    switch (config.type) {
      case "ecs":
        tasks ??= { ecs: new ECSClient(options), clock, pace: createRunTaskPace(clock) };
        return createEcsCapacity(config, { ...tasks, notebook: notebookOf() });
      case "asg":
        groups ??= { autoScaling: new AutoScalingClient(options), ec2: new EC2Client(options), clock };
        return createGroups(config, groups, notebookOf);
    }
  };
}

/** A fleet's group, with the group that takes over where Spot has no capacity, if the fleet has one. */
export function createGroups(config: AsgCapacityConfig, deps: GroupDeps, notebookOf: NotebookOf): Capacity {
  const { fallback } = config;
  const first = createAsgCapacity(config, { ...deps, notebook: notebookOf() });
  if (fallback === undefined) return first;
  const second = { ...config, group: fallback.group };
  return createSpotFallback(fallback.afterSeconds, {
    spot: first,
    onDemand: createAsgCapacity(second, { ...deps, notebook: notebookOf("on-demand") }),
    clock: deps.clock,
    notebook: notebookOf("fallback"),
  });
}
