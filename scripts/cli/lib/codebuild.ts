import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build as CodeBuild,
  CodeBuildClient,
  ResourceNotFoundException,
  StartBuildCommand,
} from "@aws-sdk/client-codebuild";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { imageProjectName } from "../../../stacks/config/compute/image-build.ts";
import { UserError } from "./errors.ts";
import type { Build, ImageBuilds } from "./image-build.ts";

/** Builds of container images for fleets, by CodeBuild. */
export function codeBuildIn(region: string): ImageBuilds {
  const codebuild = new CodeBuildClient({ ...clientOptions, region });
  return {
    pollMilliseconds: 3_000,
    async start(stack) {
      const projectName = imageProjectName(stack);
      try {
        const { build } = await codebuild.send(new StartBuildCommand({ projectName }));
        return toBuild(build);
      } catch (error) {
        throw explained(error, projectName, region);
      }
    },
    async get(id) {
      const { builds } = await codebuild.send(new BatchGetBuildsCommand({ ids: [id] }));
      return toBuild(builds?.[0]);
    },
  };
}

function toBuild(build: CodeBuild | undefined): Build {
  if (build?.id === undefined) throw new Error("CodeBuild answered without a build");
  const { groupName: group, streamName: stream, deepLink: url } = build.logs ?? {};
  const failed = build.phases?.find(({ phaseStatus }) => phaseStatus && phaseStatus !== "SUCCEEDED");
  const reasons = failed?.contexts?.flatMap(({ message }) => message || []) ?? [];
  return {
    id: build.id,
    status: build.buildStatus ?? "unknown",
    complete: build.buildComplete ?? false,
    succeeded: build.buildStatus === "SUCCEEDED",
    phase: build.currentPhase && visibleLine(build.currentPhase),
    failure: failed && visibleLine(`in phase ${[failed.phaseType, ...reasons].join(": ")}`),
    image: build.exportedEnvironmentVariables?.find(({ name }) => name === "IMAGE")?.value,
    log: group && stream ? { group, stream, url } : undefined,
  };
}

function explained(error: unknown, project: string, region: string): unknown {
  if (error instanceof ResourceNotFoundException) {
    return new UserError(
      `This AWS identity sees no CodeBuild project ${project} in ${region}.`,
      "Deploy the stack first. Check AWS_PROFILE, and that the config builds an image (compute.image.build).",
    );
  }
  if (error instanceof AccountLimitExceededException) {
    return new UserError(
      `${project} is building already, or the account's limit of builds is reached: ${visibleLine(error.message)}`,
      "Wait until it has ended, then try again.",
    );
  }
  return error;
}
