import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import { Construct } from "constructs";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { AlarmTopic } from "../alarms/alarm-topic.ts";
import { type AlertRule, createAlertRule, messageOf } from "../alarms/alert-rule.ts";
import { arnOf, type StackContext } from "../stack-context.ts";

/** The failed builds of a recipe's images. @param imageArnPrefix what the ARNs of all its images begin with */
export function buildAlert(imageArnPrefix: string): AlertRule {
  return {
    id: "image-build-failing",
    description:
      "The image could not be built: fleets go on with the one before, without the newest patches. " +
      "What to do: docs/runbook.md#image-build-failing",
    pattern: {
      source: ["aws.imagebuilder"],
      "detail-type": ["EC2 Image Builder Image State Change"],
      resources: [{ prefix: imageArnPrefix }],
      detail: { state: { status: ["FAILED"] } },
    },
    message: { image: "$.resources", state: "$.detail.state" },
  };
}

/** Tells people of each build of an image that fails. */
export class BuildAlert extends Construct {
  readonly topicArn: string;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly recipeName: string;
      readonly receivers: MachineImageConfig["alarms"];
    },
  ) {
    super(scope, id);
    const { context, recipeName, receivers } = props;
    const alert = buildAlert(arnOf(context, "imagebuilder", `image/${recipeName}/`));
    const rule = createAlertRule(this, "rule", context, alert);
    const topic = new AlarmTopic(this, "topic", { context, ...receivers, rules: [rule.arn] });
    new CloudwatchEventTarget(this, "target", {
      rule: rule.name,
      arn: topic.arn,
      inputTransformer: messageOf(alert),
      dependsOn: [...topic.ready],
    });
    this.topicArn = topic.arn;
  }
}
