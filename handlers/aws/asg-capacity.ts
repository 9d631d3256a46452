import {
  type AutoScalingClient,
  SetDesiredCapacityCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from "@aws-sdk/client-auto-scaling";
import { CreateTagsCommand, type EC2Client, type Instance, paginateDescribeInstances } from "@aws-sdk/client-ec2";
import type { AgentRole } from "../core/model.ts";
import type { Capacity, CapacityMember, CapacityReading, Clock, LaunchReport } from "../core/ports.ts";
import { createActivityReader, type RecentActivity } from "./asg-activities.ts";
import { type AsgCapacityConfig, neverRegisteredTag, registeredTag, roleTag } from "./asg-capacity-config.ts";
import { type Group, type GroupInstance, occupying, readGroup } from "./asg-group.ts";
import { classifyResizeError, isAtMinimum, isNoMember } from "./asg-launch-failures.ts";

/** AWS puts it on every instance that a group launches. */
const groupTag = "aws:autoscaling:groupName";

/** DescribeInstances gives no more. */
const pageSize = 1000;
const hourMilliseconds = 3_600_000;

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
  /** Since when each instance that AWS has still to launch is known, oldest first. */
  const orderedSince: Date[] = [];
  /** By instance id; EC2 may show a new tag late. */
  const assignedRoles = new Map<string, AgentRole>();
  /** Instances whose agent has registered; EC2 may show this late, too. */
  const registered = new Set<string>();
  /** Instances that never became an agent, and when they were stopped; EC2 soon loses the tags of those that ended. */
  const neverRegistered = new Map<string, Date>();
  /** Instances that AWS took back, which says nothing against their launch. */
  const reclaimed = new Set<string>();
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
      forgetAllBut(assignedRoles, instances);
      forgetAllBut(registered, instances);
      forgetAllBut(reclaimed, activity.launchedAt);
      const members = group.instances.map((held) => memberOf(held, instances.get(held.id), activity));
      failed = new Set(members.flatMap(({ id, phase }) => (phase === "failed" ? [id] : [])));
      const alive = members.filter(({ phase }) => phase === "pending" || phase === "running").length;
      return {
        members: [...members, ...orderedMembers(group.desired - alive)],
        failedLaunchesLastHour: launchesInVain(instances, activity),
      };
    },

    async launch(requests): Promise<LaunchReport> {
      if (requests.length === 0) return { launched: 0, failures: [] };
      const group = await readGroup(autoScaling, name);
      const missing = Math.max(0, requests.length - raisedSince(lastRead ?? group, group));
      const launched = Math.min(missing, Math.max(0, group.max - group.desired));
      const refuse = (kind: LaunchReport["failures"][number]["kind"], message: string, count: number) => ({
        launched: missing - count,
        failures: count > 0 ? [{ kind, message, count }] : [],
      });
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
          return refuse(classifyResizeError(error), String(error), missing);
        }
        lastRead = { ...group, desired };
      }
      return refuse("quota", `the group's maximum is ${group.max}`, missing - launched);
    },

    async stopUnregistered(id, { mayReplace }): Promise<void> {
      if (isOrdered(id) || !(await terminate(id, mayReplace))) return;
      const now = clock.now();
      neverRegistered.set(id, now);
      // EC2 takes the tags of an instance that has ended, and with them our right to tag it: then memory must do.
      if (!failed.has(id)) await tag([id], neverRegisteredTag, now.toISOString());
    },

    async markRegistered(ids): Promise<void> {
      await tag(ids, registeredTag, "true");
      for (const id of ids) registered.add(id);
    },

    async assignRole(id, role): Promise<void> {
      if (isOrdered(id)) return;
      await tag([id], roleTag, role);
      assignedRoles.set(id, role);
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

  function memberOf(
    { id, phase, outdated }: GroupInstance,
    instance: Instance | undefined,
    { launchedAt }: RecentActivity,
  ): CapacityMember {
    const times = [instance?.LaunchTime, launchedAt.get(id)].flatMap((time) => time?.getTime() ?? []);
    // Of unknown age is young: only old agents get stopped.
    const launched = times.length > 0 ? new Date(Math.max(...times)) : clock.now();
    const known = registered.has(id) || (instance !== undefined && tagOf(instance, registeredTag) !== undefined);
    const isYoung = clock.now().getTime() - launched.getTime() < bootSeconds * 1000;
    const member = { id, agentName: id, launchedAt: launched, outdated, registered: known };
    const role = roleOf(instance) ?? assignedRoles.get(id);
    // The group takes a while to see that an instance has ended.
    if (phase !== "running" || !instance || !hasEnded(instance)) return { ...member, role, phase };
    const failed = isYoung && !known && poweredItselfOff(instance);
    // Another may have its part in the floor at once.
    return failed ? { ...member, role: "burst", phase: "failed" } : { ...member, role, phase: "stopping" };
  }

  /** They get no role: that of the floor must not wait for an instance that may not come. */
  function orderedMembers(count: number): CapacityMember[] {
    orderedSince.splice(0, orderedSince.length - Math.max(0, count));
    while (orderedSince.length < count) orderedSince.push(clock.now());
    return orderedSince.map((launchedAt, index) => {
      const id = `${orderedPrefix}${index + 1}`;
      return { id, agentName: id, role: "burst", phase: "ordered", launchedAt };
    });
  }

  function launchesInVain(instances: ReadonlyMap<string, Instance>, activity: RecentActivity): number {
    for (const [id, instance] of instances) {
      const since = tagOf(instance, neverRegisteredTag);
      if (since !== undefined) neverRegistered.set(id, new Date(since));
      if (instance.StateReason?.Code?.startsWith("Server.SpotInstance")) reclaimed.add(id);
    }
    const hourAgo = clock.now().getTime() - hourMilliseconds;
    for (const [id, since] of neverRegistered) if (!(since.getTime() > hourAgo)) neverRegistered.delete(id);
    const crashed = activity.endedAtBoot.filter((id) => !reclaimed.has(id));
    return new Set([...neverRegistered.keys(), ...crashed]).size + activity.misconfigured;
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

const orderedPrefix = "ordered ";

function isOrdered(id: string): boolean {
  return id.startsWith(orderedPrefix);
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

function forgetAllBut(ids: Map<string, unknown> | Set<string>, known: ReadonlyMap<string, unknown>): void {
  for (const id of ids.keys()) if (!known.has(id)) ids.delete(id);
}

function hasEnded({ State }: Instance): boolean {
  return State?.Name !== undefined && State.Name !== "pending" && State.Name !== "running";
}

function poweredItselfOff({ StateReason }: Instance): boolean {
  return StateReason?.Code === "Client.InstanceInitiatedShutdown";
}

function roleOf(instance: Instance | undefined): AgentRole | undefined {
  const role = instance && tagOf(instance, roleTag);
  return role === "floor" || role === "burst" ? role : undefined;
}

function tagOf({ Tags }: Instance, key: string): string | undefined {
  return Tags?.find((each) => each.Key === key)?.Value;
}
