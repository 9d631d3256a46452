import {
  type AutoScalingClient,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { CreateTagsCommand, type EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import type { Capacity, CapacityReading, Clock, LaunchFailureKind, LaunchReport } from "../core/ports.ts";
import { type AsgCapacityConfig, neverRegisteredTag, registeredTag, roleTag } from "../settings/asg-capacity.ts";
import { createActivityReader } from "./asg-activities.ts";
import { type Group, occupying, readGroup } from "./asg-group.ts";
import { isAtMinimum, isNoMember } from "./asg-launch-failures.ts";
import { createInstanceMemory } from "./asg-memory.ts";
import { createOrders, isOrdered } from "./asg-orders.ts";
import { classifyLaunchError, type FailedLaunch, toTell } from "./launch-failures.ts";

/** AWS puts it on every instance that a group launches. */
const groupTag = "aws:autoscaling:groupName";

/** DescribeInstances gives no more. */
const pageSize = 1000;

/**
 * An Auto Scaling group as capacity: a member's id and agent name are its instance id. Launching raises the desired
 * capacity to an absolute number; nothing here can lower it but the end of a named instance. Instances that AWS has still
 * to launch are members too (`ordered`), so that none is ordered twice; each counts one, so the group must know no weights.
 * Of launches in vain AWS's list of scaling activities tells after a cold start, and so do tags on the instances that were
 * stopped, for as long as EC2 shows them. An instance that has powered itself off so soon is a `failed` member until the
 * group sees it and launches another: ended by its name before that, it lowers the desired capacity.
 *
 * Keep it between passes: it remembers what EC2 shows late. Two that overlap order nothing twice, as long as each reads
 * before it launches: what the group was raised by since then counts as launched.
 *
 * Needs `autoscaling:DescribeAutoScalingGroups`, `autoscaling:DescribeScalingActivities` and `ec2:DescribeInstances`, of
 * which AWS knows no resources; `autoscaling:SetDesiredCapacity` and `autoscaling:TerminateInstanceInAutoScalingGroup` on
 * the group; `ec2:CreateTags` on instances whose tag `aws:autoscaling:groupName` names the group.
 */
export function createAsgCapacity(
  config: AsgCapacityConfig,
  deps: { readonly autoScaling: AutoScalingClient; readonly ec2: EC2Client; readonly clock: Clock },
): Capacity {
  const { group: name, bootSeconds } = config;
  const { autoScaling, ec2, clock } = deps;
  const readActivities = createActivityReader(config, deps);
  const memory = createInstanceMemory(bootSeconds, clock);
  const orderedMembers = createOrders(clock);
  let lastRead: Group | undefined;
  let failed: ReadonlySet<string> = new Set();

  return {
    async read(): Promise<CapacityReading> {
      const [group, instances, activity] = await Promise.all([
        readGroup(autoScaling, name),
        readInstances(),
        readActivities(),
      ]);
      lastRead = group;
      memory.refresh(instances, activity);
      const members = group.instances.map((held) => memory.memberOf(held, instances.get(held.id), activity));
      failed = new Set(members.flatMap(({ id, phase }) => (phase === "failed" ? [id] : [])));
      const alive = members.filter(({ phase }) => phase === "pending" || phase === "running").length;
      const ordered = orderedMembers(group.desired - alive);
      return {
        members: [...members, ...ordered],
        failedLaunchesLastHour: memory.launchesInVain(activity),
        ...toTell([...activity.newFailures, ...suspensions(group, ordered.length)]),
      };
    },

    async launch(requests): Promise<LaunchReport> {
      if (requests.length === 0) return { launched: 0, failures: [] };
      const group = await readGroup(autoScaling, name);
      const missing = Math.max(0, requests.length - raisedSince(lastRead ?? group, group));
      const launched = Math.min(missing, Math.max(0, group.max - group.desired));
      const reportWithout = (count: number, kind: LaunchFailureKind, message: string): LaunchReport => ({
        launched: missing - count,
        failures: count > 0 ? [{ kind, message, count }] : [],
      });
      if (group.launchSuspended !== undefined) return reportWithout(missing, "configuration", group.launchSuspended);
      if (launched > 0) {
        const desired = group.desired + launched;
        try {
          await autoScaling.send(
            new SetDesiredCapacityCommand({
              AutoScalingGroupName: name,
              DesiredCapacity: desired,
              HonorCooldown: false,
            }),
          );
        } catch (error) {
          return reportWithout(missing, classifyLaunchError(error), String(error));
        }
        lastRead = { ...group, desired };
      }
      return reportWithout(missing - launched, "quota", `the group's maximum is ${group.max}`);
    },

    async stopUnregistered(id, { mayReplace }): Promise<void> {
      if (isOrdered(id) || !(await terminate(id, mayReplace))) return;
      const now = clock.now();
      memory.neverRegistered.set(id, now);
      // EC2 takes the tags of an instance that has ended, and with them our right to tag it: then memory must do.
      if (!failed.has(id)) await tag([id], neverRegisteredTag, now.toISOString());
    },

    async markRegistered(ids): Promise<void> {
      await tag(ids, registeredTag, "true");
      for (const id of ids) memory.registered.add(id);
    },

    async assignRole(id, role): Promise<void> {
      if (isOrdered(id)) return;
      await tag([id], roleTag, role);
      memory.assignedRoles.set(id, role);
    },
  };

  /** By id; those of the last hour that ended are among them. */
  async function readInstances(): Promise<ReadonlyMap<string, Instance>> {
    const instances = new Map<string, Instance>();
    const query = { Filters: [{ Name: `tag:${groupTag}`, Values: [name] }] };
    for await (const page of paginateDescribeInstances({ client: ec2, pageSize }, query)) {
      for (const instance of page.Reservations?.flatMap((reservation) => reservation.Instances ?? []) ?? []) {
        if (instance.InstanceId !== undefined) instances.set(instance.InstanceId, instance);
      }
    }
    return instances;
  }

  /** With decrement, so that what follows is the loop's to decide; without, where the group is at its minimum. */
  async function terminate(id: string, mayReplace: boolean, decrement = true): Promise<boolean> {
    try {
      await autoScaling.send(
        new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: id, ShouldDecrementDesiredCapacity: decrement }),
      );
      return true;
    } catch (error) {
      if (isNoMember(error)) return false;
      if (!decrement || !isAtMinimum(error)) throw error;
      return mayReplace && terminate(id, mayReplace, false);
    }
  }

  async function tag(ids: readonly string[], key: string, value: string): Promise<void> {
    try {
      await ec2.send(new CreateTagsCommand({ Resources: [...ids], Tags: [{ Key: key, Value: value }] }));
    } catch (error) {
      if (!(error instanceof Error && error.name === "InvalidInstanceID.NotFound")) throw error;
    }
  }
}

/** One for every instance that is ordered and cannot come. */
function suspensions({ launchSuspended: message }: Group, ordered: number): Omit<FailedLaunch, "at">[] {
  if (message === undefined) return [];
  return Array.from({ length: ordered }, () => ({ kind: "configuration", blocks: "hour", message }));
}

/**
 * By how much somebody else has raised the desired capacity meanwhile. Instances that left are taken to have lowered it:
 * if they did not, too few are launched now, and the next pass sees it.
 */
function raisedSince(before: Group, now: Group): number {
  const still = new Set(occupying(now));
  const left = occupying(before).filter((id) => !still.has(id)).length;
  return Math.max(0, now.desired - before.desired + left);
}
