import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient } from "@aws-sdk/client-ecs";
import type { Capacity, Clock } from "../core/ports.ts";
import { createAsgCapacity } from "./asg-capacity.ts";
import type { CapacityConfig } from "./capacity-config.ts";
import { clientOptions } from "./client-options.ts";
import { createEcsCapacity } from "./ecs-capacity.ts";

/** The adapter of the capacity that a fleet's environment names. */
export function createCapacity(config: CapacityConfig, clock: Clock): Capacity {
  switch (config.type) {
    case "ecs":
      return createEcsCapacity(config, { ecs: new ECSClient(clientOptions), clock });
    case "asg":
      return createAsgCapacity(config, {
        autoScaling: new AutoScalingClient(clientOptions),
        ec2: new EC2Client(clientOptions),
        clock,
      });
  }
}
