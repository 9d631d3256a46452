import {
  CloudWatchLogsClient,
  CloudWatchLogsServiceException,
  GetLogEventsCommand,
  ResourceNotFoundException as NoSuchLog,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  AccountLimitExceededException,
  BatchGetBuildsCommand,
  type Build as CodeBuild,
  CodeBuildClient,
  ResourceNotFoundException,
  StartBuildCommand,
} from "@aws-sdk/client-codebuild";
import { clientOptions } from "../../handlers/aws/client-options.ts";
import { UserError } from "./errors.ts";

/** A build of an image, as far as it is. */
export interface Build {
  readonly id: string;
  /** `IN_PROGRESS`, `SUCCEEDED`, or another word of CodeBuild's for a failure. */
  readonly status: string;
  readonly complete: boolean;
  /** The phase that it is in, such as `PROVISIONING`. */
  readonly phase: string | undefined;
  /** The phase that failed and what CodeBuild says of it. */
  readonly failure: string | undefined;
  /** The image that was made. */
  readonly image: string | undefined;
  readonly log: { readonly group: string; readonly stream: string; readonly url: string | undefined } | undefined;
}

/** The image builds of a region. */
export interface ImageBuilds {
  /** Starts a build. Throws a {@link UserError} where there is no such project, or one of its builds is under way. */
  start(project: string): Promise<Build>;
  get(id: string): Promise<Build>;
  /** Resolves to a function that resolves to the lines that have come since its last call, none while there is no log. */
  logReader(): (build: Build) => Promise<string[]>;
}

/** See {@link ImageBuilds}. */
export function imageBuildsIn(region: string): ImageBuilds {
  const codebuild = new CodeBuildClient({ ...clientOptions, region });
  const logs = new CloudWatchLogsClient({ ...clientOptions, region });
  return {
    async start(projectName) {
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
    logReader: () => createLogReader(logs),
  };
}

/** Who may start a build need not be one who may read its log: such a reader says so, once. */
function createLogReader(logs: CloudWatchLogsClient): (build: Build) => Promise<string[]> {
  let nextToken: string | undefined;
  let refused = false;
  return async ({ log }) => {
    const lines: string[] = [];
    if (!log || refused) return lines;
    const position = { logGroupName: log.group, logStreamName: log.stream, startFromHead: true };
    try {
      for (;;) {
        const page = await logs.send(new GetLogEventsCommand({ ...position, nextToken }));
        lines.push(...(page.events ?? []).map(({ message = "" }) => message.replace(/\r?\n$/, "")));
        // The end of a log is where CloudWatch gives back the token that it was given.
        if (page.nextForwardToken === undefined || page.nextForwardToken === nextToken) return lines;
        nextToken = page.nextForwardToken;
      }
    } catch (error) {
      // CodeBuild names the stream before it writes to it.
      if (error instanceof NoSuchLog) return lines;
      if (!(error instanceof CloudWatchLogsServiceException) || error.name !== "AccessDeniedException") throw error;
      refused = true;
      return [...lines, `The log cannot be read: ${error.message}`];
    }
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
    phase: build.currentPhase,
    failure: failed && [failed.phaseType, ...reasons].join(": "),
    image: build.exportedEnvironmentVariables?.find(({ name }) => name === "IMAGE")?.value,
    log: group && stream ? { group, stream, url } : undefined,
  };
}

function explained(error: unknown, project: string, region: string): unknown {
  if (error instanceof ResourceNotFoundException) {
    return new UserError(
      `There is no CodeBuild project ${project} in ${region}, as far as this AWS identity can see.`,
      "Deploy the stack first, check AWS_PROFILE, and that its config builds an image (compute.image.build).",
    );
  }
  if (error instanceof AccountLimitExceededException) {
    return new UserError(
      `${project} has a build under way, or the account's limit of builds is reached: ${error.message}`,
      "Wait until it has ended, then try again.",
    );
  }
  return error;
}
