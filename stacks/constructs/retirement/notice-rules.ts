import { arnOf, type StackContext } from "../stack-context.ts";

/** One sort of notice that AWS takes an instance. */
interface NoticeRule {
  readonly id: string;
  readonly description: string;
  /** EventBridge pattern. */
  readonly pattern: object;
}

/**
 * What tells that an instance of a group goes. Events of Spot name the instance alone, so those of all instances in the
 * account are let through; whoever takes them in asks whose they are.
 */
export function noticeRules({ group, hook }: { readonly group: string; readonly hook: string }): NoticeRule[] {
  return [
    {
      id: "terminating",
      description: "The group terminates an instance, and its hook waits",
      pattern: {
        source: ["aws.autoscaling"],
        "detail-type": ["EC2 Instance-terminate Lifecycle Action"],
        detail: { AutoScalingGroupName: [group], LifecycleHookName: [hook] },
      },
    },
    {
      id: "spot",
      description: "EC2 takes a Spot instance back",
      pattern: {
        source: ["aws.ec2"],
        "detail-type": ["EC2 Spot Instance Interruption Warning"],
      },
    },
  ];
}

/** ARNs of the rules that bring notices. */
export function noticeRuleArns(context: StackContext): string[] {
  return noticeRules({ group: "", hook: "" }).map(({ id }) =>
    arnOf(context, "events", `rule/${ruleName(context, id)}`),
  );
}

/** Name of the rule with this id. */
export function ruleName({ name }: StackContext, id: string): string {
  return `${name}-${id}`;
}
