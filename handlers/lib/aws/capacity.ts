import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient } from "@aws-sdk/client-ecs";
import type { Capacity, Clock, Notebook } from "../core/ports.ts";
import type { CapacityConfig } from "../settings/capacity.ts";
import { createAsgCapacity } from "./asg-capacity.ts";
import { clientOptions } from "./client-options.ts";
import { createEcsCapacity } from "./ecs-capacity.ts";
import { createRunTaskPace } from "./ecs-launcher.ts";

/**
 * Makes the capacity adapters that a fleet's environment names, one per pool. They share their clients and their launch
 * rate, because AWS limits accounts, not pools.
 */
export function createCapacities(clock: Clock): (config: CapacityConfig, notebook: Notebook) => Capacity {
  let tasks: Omit<Parameters<typeof createEcsCapacity>[1], "notebook"> | undefined;
  let groups: Omit<Parameters<typeof createAsgCapacity>[1], "notebook"> | undefined;

  return (config, notebook) => {
    switch (config.type) {
      case "ecs":
        tasks ??= { ecs: new ECSClient(clientOptions), clock, pace: createRunTaskPace(clock) };
        return createEcsCapacity(config, { ...tasks, notebook });
      case "asg":
        groups ??= { autoScaling: new AutoScalingClient(clientOptions), ec2: new EC2Client(clientOptions), clock };
        return createAsgCapacity(config, { ...groups, notebook });
    }
  };
}
