import type { AlertRule } from "../alarms/alert-rule.ts";
import { arnOf, type StackContext } from "../stack-context.ts";

/** The rule that notifies people of each failed build of a recipe's images. */
export function buildAlert(context: StackContext, recipeName: string, runbook = "docs/runbook.md"): AlertRule {
  return {
    id: "image-build-failing",
    description:
      "A build of the image failed. Until one succeeds, fleets go on with the image before, which may lack patches. " +
      `What to do: ${runbook}#image-build-failing`,
    pattern: {
      source: ["aws.imagebuilder"],
      "detail-type": ["EC2 Image Builder Image State Change"],
      resources: [{ prefix: arnOf(context, "imagebuilder", `image/${recipeName}/`) }],
      detail: { state: { status: ["FAILED"] } },
    },
    message: { image: "$.resources", state: "$.detail.state" },
  };
}
