import { type AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import type { InstanceGroup } from "../core/ports.ts";

/** The instances of an Auto Scaling group. Auto Scaling knows an instance until it is terminated, and then no more. */
export function createInstanceGroup(group: string, autoScaling: AutoScalingClient): InstanceGroup {
  return {
    async has(instanceId) {
      const query = new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] });
      const { AutoScalingInstances = [] } = await autoScaling.send(query);
      return AutoScalingInstances.some(
        (known) => known.InstanceId === instanceId && known.AutoScalingGroupName === group,
      );
    },
  };
}
