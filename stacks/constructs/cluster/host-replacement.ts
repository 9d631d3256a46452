import { Construct } from "constructs";
import type { AutoscalingGroup } from "#provider-aws/autoscaling-group";
import { SchedulerSchedule } from "#provider-aws/scheduler-schedule";
import type { HostsConfig } from "../../config/cluster/hosts.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/**
 * Replaces all hosts every `hosts.maxLifetimeDays` by an instance refresh. The group's own maximum lifetime cannot: it
 * replaces no instance that is protected from scale-in, and managed termination protection protects every host. A
 * refresh may replace protected instances (`ScaleInProtectedInstances`, Auto Scaling's API reference of
 * RefreshPreferences).
 *
 * One that already runs replaces the hosts too, so a start that AWS refuses for it is soon given up.
 */
export class HostReplacement extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: { readonly context: StackContext; readonly group: AutoscalingGroup; readonly hosts: HostsConfig },
  ) {
    super(scope, id);
    const { context, group, hosts } = props;
    const { maxLifetimeDays: days, refresh } = hosts;
    const role = new ServiceRole(this, "replacement", {
      context,
      service: "scheduler.amazonaws.com",
      description: `Replaces the hosts of cluster ${context.name}`,
      trustCondition: { StringEquals: { "aws:SourceAccount": context.accountId } },
    });
    role.allow({ actions: ["autoscaling:StartInstanceRefresh"], resources: [group.arn] });
    const schedule = new SchedulerSchedule(this, "schedule", {
      name: `${context.name}-hosts`,
      description: `Replaces the hosts of cluster ${context.name}`,
      scheduleExpression: `rate(${days} ${days === 1 ? "day" : "days"})`,
      flexibleTimeWindow: { mode: "OFF" },
      target: {
        arn: `arn:${context.partition}:scheduler:::aws-sdk:autoscaling:startInstanceRefresh`,
        roleArn: role.arn,
        input: JSON.stringify({
          AutoScalingGroupName: group.name,
          Strategy: "Rolling",
          Preferences: {
            MinHealthyPercentage: refresh.minHealthyPercent,
            MaxHealthyPercentage: refresh.maxHealthyPercent,
            InstanceWarmup: refresh.warmupSeconds,
            ScaleInProtectedInstances: "Refresh",
          },
        }),
        retryPolicy: { maximumEventAgeInSeconds: 900, maximumRetryAttempts: 10 },
      },
      dependsOn: role.ready,
    });
    acceptFindings(schedule, { CKV_AWS_297: "It holds the name of a group and settings, which are no secrets." });
  }
}
