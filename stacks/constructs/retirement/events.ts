import { Construct } from "constructs";
import { CloudwatchEventRule } from "#provider-aws/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "#provider-aws/cloudwatch-event-target";
import type { StackContext } from "../stack-context.ts";
import { noticeRules, ruleName } from "./notice-rules.ts";
import type { ReleaseQueue } from "./release-queue.ts";

/** The EventBridge rules that send AWS's notices to the release queue. */
export class RetirementEvents extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** Names of the groups. */
      readonly groups: readonly string[];
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
