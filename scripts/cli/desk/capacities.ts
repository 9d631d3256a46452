import type { Clock } from "../../../handlers/lib/core/ports.ts";
import type { DeskClients } from "./clients.ts";
import type { Capacity } from "./machines.ts";
import { readGroups } from "./machines-of-groups.ts";
import { readTasks } from "./machines-of-tasks.ts";
import type { Place } from "./pools.ts";

const hour = 3600_000;

/** The rights that {@link readCapacities} needs. */
export const capacityRights = {
  ecs: ["ecs:ListTasks", "ecs:DescribeTasks"],
  asg: ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities", "ec2:DescribeInstances"],
} as const;

/** Reads the machines of these pools. Throws AWS's errors. */
export function readCapacities(
  places: readonly Place[],
  clients: Pick<DeskClients, "ecs" | "autoScaling" | "ec2">,
  clock: Clock,
): Promise<readonly Capacity[]> {
  const since = new Date(clock.now().getTime() - hour);
  return Promise.all(
    places.map(async ({ poolName, capacity }) => ({
      poolName,
      ...(capacity.type === "ecs"
        ? await readTasks(capacity, { ecs: clients.ecs, clock, since })
        : await readGroups(capacity, { ...clients, since })),
    })),
  );
}
