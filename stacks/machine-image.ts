import type { Construct } from "constructs";
import { BaseStack } from "./base-stack.ts";
import type { MachineImageConfig } from "./config/machine-image.ts";
import { BuildAlert } from "./constructs/machine-image/build-alert.ts";
import { builtAmiName, builtAmiTags } from "./constructs/machine-image/built-ami.ts";
import { ImagePipeline } from "./constructs/machine-image/pipeline.ts";
import { ImageRecipe } from "./constructs/machine-image/recipe.ts";
import { semaphoreImage } from "./vendors/semaphore-image.ts";

/** `kind: machine-image`: an AMI that EC2 Image Builder builds, on a schedule and by hand. */
export class MachineImageStack extends BaseStack<MachineImageConfig> {
  constructor(scope: Construct, name: string, config: MachineImageConfig) {
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
    const alert = new BuildAlert(this, "alert", { context, recipeName: recipe.name, receivers: config.alarms });
    this.output("alarms_topic_arn", alert.topicArn);
    this.output("pipeline_arn", pipeline.arn);
    this.output("log_group", pipeline.logGroupName);
  }
}
