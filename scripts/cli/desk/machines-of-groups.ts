import { type AutoScalingClient, paginateDescribeScalingActivities } from "@aws-sdk/client-auto-scaling";
import { type EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import { launchFailureOf } from "../../../handlers/lib/aws/asg-activities.ts";
import { readGroup } from "../../../handlers/lib/aws/asg-group.ts";
import type { AsgCapacityConfig } from "../../../handlers/lib/settings/asg-capacity.ts";
import type { Capacity, FailedMachine, Machine } from "./machines.ts";

interface GroupClients {
  readonly autoScaling: AutoScalingClient;
  readonly ec2: EC2Client;
  readonly since: Date;
}

/** The instances of a fleet's group, and of the one that takes over where Spot has no capacity. */
export async function readGroups(
  { group, fallback }: AsgCapacityConfig,
  clients: GroupClients,
): Promise<Omit<Capacity, "poolName">> {
  const names = [group, ...(fallback ? [fallback.group] : [])];
  const parts = await Promise.all(names.map((name) => readOne(name, clients)));
  return {
    machines: parts.flatMap(({ machines }) => machines),
    strangers: parts.flatMap(({ strangers }) => strangers),
    failures: parts.flatMap(({ failures }) => failures).sort((a, b) => b.at.getTime() - a.at.getTime()),
    suspended: parts.flatMap(({ suspended }) => suspended),
  };
}

async function readOne(name: string, clients: GroupClients): Promise<Omit<Capacity, "poolName">> {
  const [group, instances, failures] = await Promise.all([
    readGroup(clients.autoScaling, name),
    instancesOf(name, clients.ec2),
    failuresOf(name, clients),
  ]);
  const machines = group.instances.map(({ id, phase }): Machine => {
    const instance = instances.get(id);
    return {
      name: id,
      id,
      phase,
      launchedAt: instance?.LaunchTime,
      where: [instance?.Placement?.AvailabilityZone, instance?.PrivateIpAddress].filter(Boolean).join(" "),
      type: instance?.InstanceType,
      image: instance?.ImageId,
    };
  });
  const ours = new Set(machines.map(({ id }) => id));
  return {
    machines,
    strangers: group.held.filter((id) => !ours.has(id)),
    failures,
    suspended: group.suspended.map((each) => ({ group: name, ...each })),
  };
}

async function instancesOf(group: string, ec2: EC2Client): Promise<ReadonlyMap<string, Instance>> {
  const found = new Map<string, Instance>();
  const query = { Filters: [{ Name: "tag:aws:autoscaling:groupName", Values: [group] }] };
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2, pageSize: 1000 }, query)) {
    for (const { Instances = [] } of Reservations) {
      for (const instance of Instances) if (instance.InstanceId) found.set(instance.InstanceId, instance);
    }
  }
  return found;
}

/** The newest activities come first, after those in progress. */
async function failuresOf(group: string, { autoScaling, since }: GroupClients): Promise<FailedMachine[]> {
  const failures: FailedMachine[] = [];
  const query = { AutoScalingGroupName: group };
  for await (const { Activities = [] } of paginateDescribeScalingActivities(
    { client: autoScaling, pageSize: 100 },
    query,
  )) {
    for (const activity of Activities) {
      const failure = launchFailureOf(activity);
      if (failure && failure.at >= since) {
        failures.push({ ...failure, id: /\bi-[0-9a-z]+/.exec(activity.Description ?? "")?.[0] });
      }
    }
    const isOver = Activities.some(({ StartTime, EndTime }) => EndTime && StartTime && StartTime < since);
    if (isOver) break;
  }
  return failures;
}
