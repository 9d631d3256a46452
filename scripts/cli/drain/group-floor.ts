import { AutoScalingClient, UpdateAutoScalingGroupCommand } from "@aws-sdk/client-auto-scaling";
import { readGroup } from "../../../handlers/lib/aws/asg-group.ts";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { lowestOf, type PoolSettings } from "../../../handlers/lib/settings/pool.ts";
import type { FleetTable } from "../lib/fleet-table.ts";

/**
 * Sets the floor that an Auto Scaling group keeps by itself, where a pool has such a group. A lower floor ends no
 * instance, and a higher one only launches.
 *
 * @param floor `stack`: that of the stack; `none`: no instance
 * @returns whether anything was changed
 * @see https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
 */
export async function setGroupFloor(
  { region }: Pick<FleetTable, "region">,
  settings: PoolSettings,
  floor: "stack" | "none",
): Promise<boolean> {
  const own = lowestOf(settings);
  if (settings.capacity.type !== "asg" || own === 0) return false;
  const { group: name } = settings.capacity;
  const autoScaling = new AutoScalingClient({ ...clientOptions, region });
  const wanted = floor === "stack" ? own : 0;
  const { min } = await readGroup(autoScaling, name);
  if (min === wanted) return false;
  await autoScaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: name, MinSize: wanted }));
  return true;
}
