import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { ArchiveProvider } from "#provider-archive/provider";
import { BaseStack } from "../../stacks/base-stack.ts";
import { type CommonConfig, commonFields } from "../../stacks/config/common.ts";
import { type ImageBuildConfig, imageBuild } from "../../stacks/config/compute/image-build.ts";
import { ImageBuild } from "../../stacks/constructs/agent-image/build.ts";
import { ImageRepository } from "../../stacks/constructs/agent-image/repository.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { ServiceRole } from "../../stacks/constructs/service-role.ts";
import { type Synthesized, stubBundles } from "./synth.ts";

/** Where alarms go. */
export const topic = { arn: "arn:aws:sns:us-west-2:123456789012:ops", runbook: "docs/runbook.md" };

interface Given {
  readonly name?: string;
  readonly kmsKeyArn?: string;
  readonly architecture?: "x86_64" | "arm64";
  readonly config?: z.input<typeof imageBuild>;
}

class ImageStack extends BaseStack<CommonConfig> {
  constructor(
    app: FleetApp,
    name: string,
    common: CommonConfig,
    config: ImageBuildConfig,
    architecture: "x86_64" | "arm64",
  ) {
    super(app, name, common);
    const { context } = this;
    new ArchiveProvider(this, "archive");
    const repository = new ImageRepository(this, "images", { context, ...config });
    new ImageBuild(this, "image", {
      context,
      config,
      architecture,
      createCacheRepository: false,
      folder: "azure-devops",
      repository,
      topic,
    });
    repository.grantPull(
      new ServiceRole(this, "puller", { context, service: "ecs-tasks.amazonaws.com", description: "x" }),
    );
    this.output("current", repository.current);
  }
}

/** A stack that has nothing but an image build and one who pulls the image; `look` sees its folder. */
export function synthesize(
  { name = "ci", kmsKeyArn, architecture = "x86_64", config = {} }: Given = {},
  look: (folder: string) => void = () => {},
): Synthesized {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  try {
    const app = new FleetApp(stubBundles, folder);
    const common = z.strictObject(commonFields).parse({ region: "us-west-2", kmsKeyArn });
    new ImageStack(app, name, common, imageBuild.parse(config), architecture);
    app.synth();
    look(join(folder, "stacks", name));
    return JSON.parse(readFileSync(join(folder, "stacks", name, "cdk.tf.json"), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With every default. */
export const stack = synthesize();
/** A key of the stack's. */
export const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
