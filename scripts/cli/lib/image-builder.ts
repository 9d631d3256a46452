import { randomUUID } from "node:crypto";
import {
  GetImageCommand,
  ImagebuilderClient,
  ListImagePipelinesCommand,
  ResourceInUseException,
  StartImagePipelineExecutionCommand,
} from "@aws-sdk/client-imagebuilder";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { imageLogGroup } from "../../../stacks/config/machine-image.ts";
import { UserError } from "./errors.ts";
import type { Build, ImageBuilds } from "./image-build.ts";

/** Final states of an image. */
const ends: ReadonlySet<string> = new Set(["AVAILABLE", "CANCELLED", "FAILED", "DEPRECATED", "DELETED", "DISABLED"]);

/** Builds of machine images, by EC2 Image Builder. A build's id is the ARN of the image's build version. */
export function imageBuilderIn(region: string): ImageBuilds {
  const imageBuilder = new ImagebuilderClient({ ...clientOptions, region });

  async function pipelineOf(stack: string): Promise<string> {
    const { imagePipelineList = [] } = await imageBuilder.send(
      new ListImagePipelinesCommand({ filters: [{ name: "name", values: [stack] }] }),
    );
    const arn = imagePipelineList.find(({ name }) => name === stack)?.arn;
    if (arn !== undefined) return arn;
    throw new UserError(
      `This AWS identity sees no image pipeline ${stack} in ${region}.`,
      `Deploy the stack first (cdktf deploy ${stack}). Check AWS_PROFILE.`,
    );
  }

  async function get(id: string): Promise<Build> {
    const { image } = await imageBuilder.send(new GetImageCommand({ imageBuildVersionArn: id }));
    const { status = "unknown", reason } = image?.state ?? {};
    const [, name, stream] = /:image\/([^/]+)\/(.+)$/.exec(id) ?? [];
    return {
      id,
      status,
      complete: ends.has(status),
      succeeded: status === "AVAILABLE",
      phase: status,
      failure: reason && visibleLine(`(${reason})`),
      image: image?.outputResources?.amis?.find((ami) => ami.region === region)?.image,
      log: name && stream ? { group: imageLogGroup(name), stream } : undefined,
    };
  }

  return {
    pollMilliseconds: 15_000,
    get,
    async start(stack) {
      const imagePipelineArn = await pipelineOf(stack);
      try {
        const { imageBuildVersionArn } = await imageBuilder.send(
          new StartImagePipelineExecutionCommand({ imagePipelineArn, clientToken: randomUUID() }),
        );
        if (imageBuildVersionArn === undefined) throw new Error("Image Builder answered without a build");
        return await get(imageBuildVersionArn);
      } catch (error) {
        if (!(error instanceof ResourceInUseException)) throw error;
        throw new UserError(
          `${stack} is building already: ${visibleLine(error.message)}`,
          "Wait until it has ended, then try again.",
        );
      }
    },
  };
}
