import {
  type AutoScalingClient,
  type AutoScalingGroup,
  DescribeAutoScalingGroupsCommand,
  type Instance,
} from "@aws-sdk/client-auto-scaling";
import type { CapacityMember } from "../core/ports.ts";

/** One instance that a group holds, as the group sees it. */
export interface GroupInstance {
  readonly id: string;
  readonly phase: Exclude<CapacityMember["phase"], "ordered" | "failed">;
  readonly outdated: boolean | undefined;
  /** Whether the group must not choose it on scale-in. */
  readonly protected: boolean;
}

/** A group as it is now. */
export interface Group {
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Why the group launches nothing: a person, or AWS after a day of failures, has suspended the process. */
  readonly launchSuspended: string | undefined;
  /** All processes that do not run, with AWS's reason. */
  readonly suspended: readonly { readonly process: string; readonly reason: string }[];
  readonly instances: readonly GroupInstance[];
  /** Ids of all instances that may run something, also of those that do not belong to the fleet, as on standby. */
  readonly held: readonly string[];
}

/**
 * Reads one group by its exact name, with all its instances; AWS does not page them. Instances in the warm pool, on
 * standby or detached do not belong to the fleet.
 *
 * @throws if AWS shows no such group, which is not the same as a group without instances.
 */
export async function readGroup(autoScaling: AutoScalingClient, name: string): Promise<Group> {
  const answer = await autoScaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }));
  const group = answer.AutoScalingGroups?.find((candidate) => candidate.AutoScalingGroupName === name);
  if (group?.DesiredCapacity === undefined || group.MinSize === undefined || group.MaxSize === undefined) {
    throw new Error(`the Auto Scaling group ${name} cannot be seen: it does not exist, or only in part`);
  }
  const currentVersions = templateVersions(group);
  return {
    desired: group.DesiredCapacity,
    min: group.MinSize,
    max: group.MaxSize,
    launchSuspended: suspensionOf(group),
    suspended: (group.SuspendedProcesses ?? []).map(({ ProcessName: process = "", SuspensionReason: reason = "" }) => ({
      process,
      reason,
    })),
    held: (group.Instances ?? []).flatMap(({ InstanceId = "an instance without an id", LifecycleState = "" }) =>
      /^(Warmed|Terminated)/.test(LifecycleState) ? [] : [InstanceId],
    ),
    instances: (group.Instances ?? []).flatMap((instance) => {
      const phase = phaseOf(instance.LifecycleState);
      if (instance.InstanceId === undefined || phase === undefined) return [];
      return {
        id: instance.InstanceId,
        phase,
        outdated: isOutdated(instance, currentVersions),
        protected: instance.ProtectedFromScaleIn === true,
      };
    }),
  };
}

/** @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html */
function suspensionOf({ SuspendedProcesses: suspended = [] }: AutoScalingGroup): string | undefined {
  const launch = suspended.find(({ ProcessName }) => ProcessName === "Launch");
  return launch && `the group's process Launch is suspended: ${launch.SuspensionReason ?? "AWS gives no reason"}`;
}

/** Ids of the instances that count towards the desired capacity. An instance that leaves the group does not count. */
export function occupying({ instances }: Group): string[] {
  return instances.filter(({ phase }) => phase !== "stopping" && phase !== "held").map(({ id }) => id);
}

/** An unknown state counts as leaving: such an instance is no supply, and the loop does not touch it. */
function phaseOf(state = ""): GroupInstance["phase"] | undefined {
  if (/^(Warmed|Standby|EnteringStandby|Detach|Terminated)/.test(state)) return undefined;
  if (state.startsWith("Pending")) return "pending";
  if (state === "Terminating:Wait") return "held";
  return state === "InService" || /^Replac.*RootVolume|^RootVolumeReplaced/.test(state) ? "running" : "stopping";
}

/** The version that each launch template of the group, overrides included, launches now. */
function templateVersions({ LaunchTemplate, MixedInstancesPolicy }: AutoScalingGroup): ReadonlyMap<string, string> {
  const mixed = MixedInstancesPolicy?.LaunchTemplate;
  const overrides = mixed?.Overrides?.map((override) => override.LaunchTemplateSpecification) ?? [];
  const specifications = [LaunchTemplate, mixed?.LaunchTemplateSpecification, ...overrides];
  return new Map(
    specifications.flatMap((each) => (each?.LaunchTemplateId ? [[each.LaunchTemplateId, each.Version ?? ""]] : [])),
  );
}

/** `undefined` for `$Latest` and `$Default`: AWS does not report their version numbers here. */
function isOutdated({ LaunchTemplate }: Instance, currentVersions: ReadonlyMap<string, string>): boolean | undefined {
  if (!LaunchTemplate?.LaunchTemplateId || currentVersions.size === 0) return undefined;
  const current = currentVersions.get(LaunchTemplate.LaunchTemplateId);
  if (current === undefined) return true;
  return /^[0-9]+$/.test(current) ? LaunchTemplate.Version !== current : undefined;
}
