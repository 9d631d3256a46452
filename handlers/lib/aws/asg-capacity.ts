import {
  type AutoScalingClient,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { CreateTagsCommand, type EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import type {
  Capacity,
  CapacityReading,
  Clock,
  LaunchFailureKind,
  LaunchReport,
  LaunchRequest,
  Notebook,
} from "../core/ports.ts";
import type { LifecycleHook } from "../core/retirement.ts";
import { type AsgCapacityConfig, registeredTag, roleTag } from "../settings/asg-capacity.ts";
import { createActivityReader } from "./asg-activities.ts";
import { type Group, occupying, readGroup } from "./asg-group.ts";
import { isAtMinimum, isNoMember } from "./asg-launch-failures.ts";
import { createInstanceMemory } from "./asg-memory.ts";
import { createOrders, isOrdered } from "./asg-orders.ts";
import { classifyLaunchError, type FailedLaunch, toTell } from "./launch-failures.ts";

/** AWS sets this tag on every instance that a group launches. */
const groupTag = "aws:autoscaling:groupName";

/** Largest page of DescribeInstances. */
const pageSize = 1000;

/** A group's reading. */
export interface GroupReading extends CapacityReading {
  /** When AWS last had no capacity for a launch; `undefined`: not within the last hour. */
  readonly lastShortage: Date | undefined;
}

/** A group's capacity, which may share the fleet's ceiling with another group. */
export interface GroupCapacity extends Capacity {
  terminationHook(id: string): LifecycleHook;
  read(): Promise<GroupReading>;
  /** @param besides members of the other group: both together stay within this group's maximum */
  launch(requests: readonly LaunchRequest[], besides?: number): Promise<LaunchReport>;
  /** How many members the group has now, orders and leaving instances included. */
  count(): Promise<number>;
}

/**
 * An Auto Scaling group as capacity: a member's id and agent name are its instance id. Launching raises the desired
 * capacity to an absolute number. Instances that AWS has yet to launch are also members (`ordered`), so that none is
 * ordered twice. Each counts as one, so the group must not use weights.
 *
 * The desired capacity falls in two ways only: the loop ends a named instance with decrement, or withdraws orders while
 * scale-in protection keeps the group from choosing a victim. After a cold start, failed launches are recovered from
 * scaling activities and from tags on instances. An instance that has powered itself off at boot is a `failed` member
 * until the group sees it and launches another: discarded before that, it lowers the desired capacity.
 *
 * Keep it between passes: it remembers data that EC2 shows late. Two overlapping passes order nothing twice, as long as
 * each reads before it launches: a raise of the group since then counts as launched.
 *
 * Needs `autoscaling:DescribeAutoScalingGroups`, `autoscaling:DescribeScalingActivities` and `ec2:DescribeInstances`,
 * which AWS grants on `*` only; `autoscaling:SetDesiredCapacity` and `autoscaling:TerminateInstanceInAutoScalingGroup`
 * on the group; `ec2:CreateTags` on instances whose tag `aws:autoscaling:groupName` names the group.
 */
export function createAsgCapacity(
  config: AsgCapacityConfig,
  deps: {
    readonly autoScaling: AutoScalingClient;
    readonly ec2: EC2Client;
    readonly clock: Clock;
    readonly notebook: Notebook;
  },
): GroupCapacity {
  const { group: name, bootSeconds } = config;
  const { autoScaling, ec2, clock } = deps;
  const readActivities = createActivityReader(config, deps);
  const memory = createInstanceMemory(bootSeconds, clock, deps.notebook);
  const orderedMembers = createOrders(clock);
  let lastRead: Group | undefined;
  let failed: ReadonlySet<string> = new Set();

  return {
    terminationHook: () => ({ name: config.hook, group: name }),

    async read(): Promise<GroupReading> {
      const [group, instances, activity] = await Promise.all([
        readGroup(autoScaling, name),
        readInstances(),
        readActivities(),
        memory.recall(),
      ]);
      lastRead = group;
      memory.refresh(instances, activity);
      const inVain = memory.newInVain(activity);
      await memory.keep();
      const members = group.instances.map((held) => memory.memberOf(held, instances.get(held.id), activity));
      failed = new Set(members.flatMap(({ id, phase }) => (phase === "failed" ? [id] : [])));
      const alive = members.filter(({ phase }) => phase === "pending" || phase === "running").length;
      const ordered = orderedMembers(group.desired - alive);
      return {
        kept: group.min,
        members: [...members, ...ordered],
        lastShortage: activity.lastShortage,
        launches: memory.launchesOf(activity),
        ...toTell([...activity.newFailures, ...inVain, ...suspensions(group, ordered.length)]),
      };
    },

    async remaining() {
      const { desired, min, held } = await readGroup(autoScaling, name);
      const toCome = Math.max(desired, min) - held.length;
      return [...held, ...Array.from({ length: Math.max(0, toCome) }, () => "an instance that the group is to launch")];
    },

    async launch(requests, besides = 0): Promise<LaunchReport> {
      if (requests.length === 0) return { launched: 0, failures: [] };
      const group = await readGroup(autoScaling, name);
      const missing = Math.max(0, requests.length - raisedSince(lastRead ?? group, group));
      // AWS may launch an instance while its order is withdrawn: the group then holds more than its desired capacity.
      const held = Math.max(group.desired, occupying(group).length);
      const launched = Math.min(missing, Math.max(0, group.max - besides - held));
      const reportWithout = (count: number, kind: LaunchFailureKind, message: string): LaunchReport => ({
        launched: missing - count,
        failures: count > 0 ? [{ kind, message, count }] : [],
      });
      if (group.launchSuspended !== undefined) return reportWithout(missing, "configuration", group.launchSuspended);
      if (launched > 0) {
        const desired = held + launched;
        try {
          await resize(desired);
        } catch (error) {
          return reportWithout(missing, classifyLaunchError(error), String(error));
        }
        lastRead = { ...group, desired };
      }
      return reportWithout(missing - launched, "quota", `the group's maximum is ${group.max}`);
    },

    async count() {
      const group = await readGroup(autoScaling, name);
      const alive = occupying(group).length;
      return Math.max(group.desired, alive) + group.instances.length - alive;
    },

    async withdraw(count): Promise<number> {
      const group = await readGroup(autoScaling, name);
      // AWS may launch an instance during this call. The group must not choose one with a job to end instead.
      if (!group.instances.every((instance) => instance.protected || instance.phase === "stopping")) return 0;
      const desired = Math.max(group.instances.length, group.desired - count, group.min);
      if (desired >= group.desired) return 0;
      await resize(desired);
      lastRead = { ...group, desired };
      return group.desired - desired;
    },

    async discard(id, { mayReplace }): Promise<void> {
      // EC2 removes the tags of an ended instance, and so our right to tag it: the memory has to be enough.
      if (!failed.has(id) || !(await terminate(id, mayReplace))) return;
      memory.neverRegistered.set(id, clock.now());
      await memory.keep();
    },

    async markRegistered(ids): Promise<void> {
      // EC2 refuses the whole call if it does not know one instance.
      const together = await tag(ids, registeredTag, "true");
      for (const id of ids) {
        if (together || (await tag([id], registeredTag, "true"))) memory.registered.add(id);
      }
    },

    async assignRole(id, role): Promise<void> {
      if (isOrdered(id)) return;
      if (await tag([id], roleTag, role)) memory.assignedRoles.set(id, role);
    },
  };

  async function resize(desired: number): Promise<void> {
    await autoScaling.send(
      new SetDesiredCapacityCommand({ AutoScalingGroupName: name, DesiredCapacity: desired, HonorCooldown: false }),
    );
  }

  /** By id, including those that ended within the last hour. */
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

  /** With decrement, so that the loop decides about a replacement; without, if the group is at its minimum. */
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

  /** Resolves to whether the tag is written. EC2 may not know a new instance yet: then the next tick tries again. */
  async function tag(ids: readonly string[], key: string, value: string): Promise<boolean> {
    try {
      await ec2.send(new CreateTagsCommand({ Resources: [...ids], Tags: [{ Key: key, Value: value }] }));
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "InvalidInstanceID.NotFound") return false;
      throw error;
    }
  }
}

/** One failure for every ordered instance that cannot come. */
function suspensions({ launchSuspended: message }: Group, ordered: number): Omit<FailedLaunch, "at">[] {
  if (message === undefined) return [];
  return Array.from({ length: ordered }, () => ({ kind: "configuration", blocks: "hour", message }));
}

/**
 * By how much another caller has raised the desired capacity meanwhile. Assumes that instances that left lowered it: if
 * they did not, this pass launches too few, and the next one corrects that.
 */
function raisedSince(before: Group, now: Group): number {
  const still = new Set(occupying(now));
  const left = occupying(before).filter((id) => !still.has(id)).length;
  return Math.max(0, now.desired - before.desired + left);
}
