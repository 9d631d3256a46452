import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { Construct } from "constructs";
import { arnOf, type StackContext } from "../stack-context.ts";
import type { ReleaseQueue } from "./release-queue.ts";

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
      description: "EC2 takes a Spot instance back, or is likely to",
      pattern: {
        source: ["aws.ec2"],
        "detail-type": ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"],
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

function ruleName({ name }: StackContext, id: string): string {
  return `${name}-${id}`;
}

/** Brings AWS's notices into the release queue. */
export class RetirementEvents extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly group: string;
      /** Name of the termination hook. */
      readonly hook: string;
      readonly queue: ReleaseQueue;
    },
  ) {
    super(scope, id);
    const { context, queue } = props;
    for (const { id: notice, description, pattern } of noticeRules(props)) {
      const rule = new CloudwatchEventRule(this, notice, {
        name: ruleName(context, notice),
        description: `${description} (fleet ${context.name})`,
        eventPattern: JSON.stringify(pattern),
      });
      new CloudwatchEventTarget(this, `${notice}-target`, {
        rule: rule.name,
        arn: queue.arn,
        deadLetterConfig: { arn: queue.deadLetters.arn },
        dependsOn: [...queue.ready],
      });
    }
  }
}
