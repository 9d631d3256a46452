import { arnOf, type StackContext } from "../stack-context.ts";

/** One kind of notice that AWS ends an instance. */
interface NoticeRule {
  readonly id: string;
  readonly description: string;
  /** EventBridge pattern. */
  readonly pattern: object;
}

/**
 * The notices that an instance of these groups goes. Spot events name only the instance, so the rule lets through those of
 * all instances in the account. The release Lambda checks which group an instance belongs to.
 */
export function noticeRules({
  groups,
  hook,
}: {
  readonly groups: readonly string[];
  readonly hook: string;
}): NoticeRule[] {
  return [
    {
      id: "terminating",
      description: "The group terminates an instance, and its hook waits",
      pattern: {
        source: ["aws.autoscaling"],
        "detail-type": ["EC2 Instance-terminate Lifecycle Action"],
        detail: { AutoScalingGroupName: groups, LifecycleHookName: [hook] },
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

/** ARNs of the rules that send notices. */
export function noticeRuleArns(context: StackContext): string[] {
  return noticeRules({ groups: [], hook: "" }).map(({ id }) =>
    arnOf(context, "events", `rule/${ruleName(context, id)}`),
  );
}

/** Name of the rule with this id. */
export function ruleName({ name }: StackContext, id: string): string {
  return `${name}-${id}`;
}
