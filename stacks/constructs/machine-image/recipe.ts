import { createHash } from "node:crypto";
import { Construct } from "constructs";
import { Fn, type ITerraformDependable } from "#cdktf";
import { ImagebuilderComponent } from "#provider-aws/imagebuilder-component";
import { ImagebuilderImageRecipe } from "#provider-aws/imagebuilder-image-recipe";
import type { MachineImageConfig } from "../../config/machine-image.ts";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import { amazonLinux, findImage } from "../instances/image.ts";
import { rootVolume } from "../instances/template-parts.ts";
import type { StackContext } from "../stack-context.ts";
import { type Baked, imageComponents } from "./components.ts";

/** Amazon Linux 2023 as Image Builder itself offers it. So Image Builder knows when a newer one exists. */
const amazonLinuxImages = { x86_64: "amazon-linux-2023-x86", arm64: "amazon-linux-2023-arm64" } as const;

/** Digits of a hash in one part of a version. Image Builder allows numbers up to 2^30 - 1. */
const hashDigits = 7;

/** Raise it when the same config gives another recipe, apart from the components' text. */
const recipeFormat = 1;

/**
 * The components and the recipe of an image. Image Builder allows no changes of them. So each content has its own
 * version, made from a hash: Terraform makes the new ones, points the pipeline at them, and deletes the old ones.
 */
export class ImageRecipe extends Construct {
  readonly arn: string;
  readonly name: string;
  readonly version: string;
  /** The resource that must exist before others may refer to the recipe by name and version. */
  readonly ready: ITerraformDependable;
  /** Whether Image Builder itself detects a newer base image. */
  readonly followsBase: boolean;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly config: MachineImageConfig;
      readonly baked: Baked | undefined;
    },
  ) {
    super(scope, id);
    const { context, config, baked } = props;
    const { architecture, baseImage, volume, region } = config;
    const documents = imageComponents(config, baked);
    const device = { deviceName: volume.deviceName, devicePath: "volume.deviceName" };
    const base = baseImage && findImage(this, baseImage, { architecture, ...device });
    const given = base?.id;
    const rootDevice = base?.rootDevice ?? amazonLinux(device);
    const disk = {
      deviceName: volume.deviceName ?? (base ? "as in the base image" : rootDevice),
      sizeGiB: volume.sizeGiB,
    };
    const content = JSON.stringify([...documents, architecture, baseImage, disk, context.kmsKeyArn]);
    this.followsBase = given === undefined;
    this.name = context.name;
    // Only Terraform knows the value of a parameter.
    this.version = `${recipeFormat}.${hashOf(content)}.${baseImage && "ssmParameter" in baseImage ? terraformHashOf(given ?? "") : 0}`;
    const components = [...documents].map(([name, data]) => {
      const component = new ImagebuilderComponent(this, name, {
        name: `${context.name}-${name}`,
        platform: "Linux",
        version: this.version,
        data,
        lifecycle: { createBeforeDestroy: true },
      });
      acceptFindings(component, { CKV_AWS_180: "It holds commands and no secrets." });
      return component;
    });
    const recipe = new ImagebuilderImageRecipe(this, "recipe", {
      name: this.name,
      version: this.version,
      parentImage:
        given ?? `arn:${context.partition}:imagebuilder:${region}:aws:image/${amazonLinuxImages[architecture]}/x.x.x`,
      component: components.map(({ arn }) => ({ componentArn: arn })),
      blockDeviceMapping: [rootVolume(context, rootDevice, volume)],
      // Fleets reach their instances by the SSM agent.
      systemsManagerAgent: { uninstallAfterBuild: false },
      lifecycle: { createBeforeDestroy: true },
    });
    acceptFindings(recipe, { CKV_AWS_200: !context.kmsKeyArn && withoutKey });
    this.arn = recipe.arn;
    this.ready = recipe;
  }
}

function hashOf(text: string): number {
  return Number.parseInt(createHash("sha256").update(text).digest("hex").slice(0, hashDigits), 16);
}

/** The same hash as a Terraform expression, for a value that only Terraform knows. */
function terraformHashOf(expression: string): string {
  return `${Fn.parseint(Fn.substr(Fn.sha256(expression), 0, hashDigits), 16)}`;
}
