import { Construct } from "constructs";
import type { TerraformResource } from "#cdktf";
import { AutoscalingGroup } from "#provider-aws/autoscaling-group";
import { AutoscalingLifecycleHook } from "#provider-aws/autoscaling-lifecycle-hook";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { lowestFloor } from "../../../handlers/lib/core/schedule.ts";
import { type AsgCapacityConfig, registeredTag, roleTag } from "../../../handlers/lib/settings/asg-capacity.ts";
import type { Ec2ComputeConfig } from "../../config/compute/ec2-compute.ts";
import { destroyBefore } from "../destroy-order.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import type { ReleaseQueue } from "../retirement/release-queue.ts";
import { namesOf, type RetiringCapacity, type RetiringInstances } from "../retirement/retiring-capacity.ts";
import type { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { oneOrSeveral } from "../statement.ts";
import { mixedInstances, propagatedTags } from "./group-parts.ts";
import type { InstanceRole } from "./role.ts";
import type { InstanceTemplate } from "./template.ts";

/** Name of the hook by which AWS asks before it terminates an instance. */
export const retireHook = "agent-fleets-retire";
/** Auto Scaling goes on without an answer after this time. A heartbeat restarts it, up to 48 h in all. */
const heartbeatSeconds = 3600;

const groupMetrics = [
  "GroupDesiredCapacity",
  "GroupInServiceInstances",
  "GroupMaxSize",
  "GroupMinSize",
  "GroupPendingInstances",
  "GroupStandbyInstances",
  "GroupTerminatingInstances",
  "GroupTotalInstances",
];

const warmStates = { stopped: "Stopped", running: "Running", hibernated: "Hibernated" } as const;

const withoutSpot = { onDemandBase: 0, spotPercent: 0, spotMaxPrice: undefined };

/**
 * An Auto Scaling group as a fleet's capacity, with the hook that keeps AWS from ending an agent in a job. With
 * `compute.spotFallback`, a second group of On-Demand instances alone launches while Spot has no capacity.
 */
export class AsgCapacity extends Construct {
  /** The loop's settings to launch and watch instances. */
  readonly config: AsgCapacityConfig;
  readonly name: string;
  readonly arn: string;
  /** The second group's name; only with `compute.spotFallback`. */
  readonly onDemandName: string | undefined;
  /** The second group and its hook; only with `compute.spotFallback`. */
  readonly fallback: readonly TerraformResource[] | undefined;
  /** The retirement workflow's settings to end instances. */
  readonly retiring: RetiringCapacity;
  private readonly groups: RetiringInstances["groups"];
  private readonly ownGroups: AutoscalingGroup[] = [];
  private readonly hooks: AutoscalingLifecycleHook[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly agents: Pick<Policy, "min" | "max" | "schedule"> & { readonly initial?: number | undefined };
      /** See BootTimes. */
      readonly bootSeconds: number;
      readonly compute: Ec2ComputeConfig;
      readonly network: FleetNetwork;
      readonly template: InstanceTemplate;
      readonly role: InstanceRole;
      readonly releaseQueue: ReleaseQueue;
      /** Whether only the instances themselves know if an agent works. */
      readonly asksInstances: boolean;
      /** Tags of the group and its instances. */
      readonly tags: Readonly<Record<string, string>>;
    },
  ) {
    super(scope, id);
    const { context, agents, compute, bootSeconds } = props;
    const { spotFallback } = compute;
    const fallback = spotFallback && {
      group: `${context.name}-on-demand`,
      afterSeconds: spotFallback.afterMinutes * 60,
    };
    // With a floor of its own, the group would keep orders that Spot cannot fill. The loop keeps the fleet's floor.
    const size = fallback ? { min: 0, initial: agents.initial ?? agents.min } : { ...agents, min: lowestFloor(agents) };
    const first = this.group("", context.name, size, compute);
    this.name = first.name;
    this.arn = first.arn;
    this.onDemandName = fallback?.group;
    this.groups = fallback
      ? [first, this.group("on-demand-", fallback.group, { min: 0, initial: 0 }, { ...compute, ...withoutSpot })]
      : [first];
    this.fallback = fallback && [...this.ownGroups.slice(1), ...this.hooks.slice(1)];
    this.config = { type: "asg", group: this.name, hook: retireHook, bootSeconds, fallback };
    this.retiring = {
      type: "asg",
      groups: this.groups,
      hook: retireHook,
      instanceRole: props.role,
      releaseQueue: props.releaseQueue,
      asksInstances: props.asksInstances,
    };
  }

  /** Lets the loop watch and raise its groups, end their instances and tag them, and nothing else. */
  grantOperate(role: ServiceRole): void {
    const { context } = this.props;
    // AWS allows no resources for these actions.
    role.allow({
      actions: [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
      ],
      resources: ["*"],
    });
    role.allow({
      actions: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
      resources: this.groups.map(({ arn }) => arn),
    });
    role.allow({
      actions: ["ec2:CreateTags"],
      resources: [arnOf(context, "ec2", "instance/*")],
      condition: {
        StringEquals: { "aws:ResourceTag/aws:autoscaling:groupName": oneOrSeveral(namesOf(this.groups)) },
        "ForAllValues:StringEquals": { "aws:TagKeys": [roleTag, registeredTag] },
      },
    });
  }

  /** See DestroyGuard: it has made sure that the groups are empty. An instance that comes then still needs all of it. */
  destroyBefore(needed: readonly TerraformResource[]): void {
    const own: ReadonlySet<TerraformResource> = new Set([...this.ownGroups, ...this.hooks]);
    const others = needed.filter((each) => !own.has(each));
    for (const group of this.ownGroups) destroyBefore(group, others);
  }

  /** A group and its hook. @param prefix of their ids in the stack */
  private group(
    prefix: string,
    name: string,
    { min, initial }: { readonly min: number; readonly initial?: number | undefined },
    compute: Ec2ComputeConfig,
  ): { readonly name: string; readonly arn: string } {
    const { context, agents, network, role, tags } = this.props;
    const group = new AutoscalingGroup(this, `${prefix}group`, {
      name,
      minSize: min,
      maxSize: agents.max,
      desiredCapacity: initial,
      // The loop sets it, and a plan must not change it back.
      lifecycle: { ignoreChanges: ["desired_capacity"] },
      vpcZoneIdentifier: network.subnetIds,
      healthCheckType: "EC2",
      healthCheckGracePeriod: compute.healthCheckGraceSeconds,
      // The loop alone names instances to end: it lowers the desired capacity to take back orders, and AWS may launch one
      // meanwhile. It also replaces instances that are too old or have an old template, since AWS's refresh and maximum
      // lifetime replace no protected instance.
      protectFromScaleIn: true,
      suspendedProcesses: [...new Set(["AZRebalance", ...compute.suspendedProcesses])],
      capacityRebalance: compute.spotPercent > 0 && compute.capacityRebalance,
      enabledMetrics: compute.groupMetrics ? groupMetrics : undefined,
      ...this.launches(compute),
      waitForCapacityTimeout: "0",
      // Otherwise the first instances could boot without rights.
      dependsOn: role.ready,
      tag: propagatedTags({ ...tags, Name: context.name }),
    });
    // A resource of its own. Inside the group the hook would act only at the group's creation, and a change of it would
    // replace the group.
    const hook = new AutoscalingLifecycleHook(this, `${prefix}retire-hook`, {
      name: retireHook,
      autoscalingGroupName: group.name,
      lifecycleTransition: "autoscaling:EC2_INSTANCE_TERMINATING",
      heartbeatTimeout: heartbeatSeconds,
      defaultResult: "CONTINUE",
    });
    this.ownGroups.push(group);
    this.hooks.push(hook);
    return { name, arn: group.arn };
  }

  private launches(compute: Ec2ComputeConfig) {
    const { template } = this.props;
    const { warmPool } = compute;
    if (!warmPool) return { mixedInstancesPolicy: mixedInstances(template, compute) };
    return {
      launchTemplate: { id: template.id, version: template.version },
      warmPool: {
        poolState: warmStates[warmPool.state],
        minSize: warmPool.min,
        maxGroupPreparedCapacity: warmPool.maxPrepared,
      },
    };
  }
}
