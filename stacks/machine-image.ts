import { Construct } from "constructs";
import { BaseStack } from "./base-stack.ts";
import type { MachineImageConfig } from "./config/machine-image.ts";
import { AlarmTopic } from "./constructs/alarms/alarm-topic.ts";
import { buildAlert } from "./constructs/machine-image/build-alert.ts";
import { builtAmiName, builtAmiTags } from "./constructs/machine-image/built-ami.ts";
import { ImagePipeline } from "./constructs/machine-image/pipeline.ts";
import { ImageRecipe } from "./constructs/machine-image/recipe.ts";
import { movedFrom } from "./constructs/moved.ts";
import type { Escaped } from "./constructs/terraform-text.ts";
import { semaphoreImage } from "./vendors/semaphore-image.ts";

/** `kind: machine-image`: an AMI that EC2 Image Builder builds, on a schedule and by hand. */
export class MachineImageStack extends BaseStack<Escaped<MachineImageConfig>> {
  constructor(scope: Construct, name: string, config: Escaped<MachineImageConfig>) {
    super(scope, name, config);
    const { context } = this;
    const baked = config.vendor && semaphoreImage(config.vendor, config.architecture);
    const recipe = new ImageRecipe(this, "recipe", { context, config, baked });
    const pipeline = new ImagePipeline(this, "pipeline", {
      context,
      config,
      recipe,
      amiName: builtAmiName(name),
      amiTags: { ...this.tags, ...builtAmiTags(name), Name: name },
      tags: this.tags,
    });
    const alarms = new AlarmTopic(new Construct(this, "alert"), "topic", {
      context,
      ...config.alarms,
      alerts: [buildAlert(context, recipe.name, config.alarms.runbookUrl)],
    });
    movedFrom(alarms, {
      "image-build-failing": "aws_cloudwatch_event_rule.alert_rule_AE4D2DF5",
      "image-build-failing-target": "aws_cloudwatch_event_target.alert_target_65D607D3",
    });
    this.output("alarms_topic_arn", alarms.arn);
    this.output("pipeline_arn", pipeline.arn);
    this.output("log_group", pipeline.logGroupName);
  }
}
