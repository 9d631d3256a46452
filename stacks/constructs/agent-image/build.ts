import { Construct } from "constructs";
import { AssetType, TerraformAsset } from "#cdktf";
import { DataArchiveFile } from "#provider-archive/data-archive-file";
import { CloudwatchEventRule } from "#provider-aws/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "#provider-aws/cloudwatch-event-target";
import { CodebuildProject } from "#provider-aws/codebuild-project";
import { S3Object } from "#provider-aws/s3-object";
import type { ComputeConfig } from "../../config/compute/compute.ts";
import { type ImageBuildConfig, imageProjectName } from "../../config/compute/image-build.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { createAlarm } from "../alarms/alarm.ts";
import type { AlarmTopic } from "../alarms/alarm-topic.ts";
import { FleetApp } from "../fleet-app.ts";
import { createLogGroup, grantLogWrite, logGroupName } from "../log-group.ts";
import { PrivateBucket } from "../private-bucket.ts";
import { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { sortedVariables } from "../tasks/container-parts.ts";
import { allowImagePull } from "../tasks/task-rights.ts";
import type { ImageRepository } from "./repository.ts";

/** The CodeBuild environment of each architecture, so that nothing is emulated. */
const environments = {
  x86_64: { type: "LINUX_CONTAINER", image: "aws/codebuild/amazonlinux-x86_64-standard:5.0" },
  arm64: { type: "ARM_CONTAINER", image: "aws/codebuild/amazonlinux-aarch64-standard:3.0" },
} as const;

/** The Dockerfile's argument with the checksum of an architecture's agent. */
const checksumArgument = { x86_64: "AGENT_SHA256_X64", arm64: "AGENT_SHA256_ARM64" } as const;

/** `build.sh` does the build. `fleet image build` shows the exported variable. */
const buildspec = JSON.stringify({
  version: "0.2",
  env: { shell: "bash", "exported-variables": ["IMAGE"] },
  phases: {
    build: { "on-failure": "ABORT", commands: ["bash build.sh", 'export IMAGE="$(cat image.txt)"'] },
  },
});

/** Builds the image of a stack's agents in CodeBuild from a folder of `agents/`, by hand and on a schedule. */
export class ImageBuild extends Construct {
  readonly projectName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly config: ImageBuildConfig;
      readonly architecture: ComputeConfig["architecture"];
      /** Whether the first pull of the base image through a cache may make the repository. */
      readonly createCacheRepository: boolean;
      /** The folder of `agents/` with the Dockerfile and `build.sh`. */
      readonly folder: string;
      readonly repository: ImageRepository;
      readonly topic: Pick<AlarmTopic, "arn" | "runbook">;
    },
  ) {
    super(scope, id);
    const { context, config, topic } = props;
    const project = this.project();
    this.projectName = project.name;
    if (config.schedule !== "never") this.runOnSchedule(project, config.schedule);
    createAlarm(this, {
      context,
      topic,
      name: "image-build-failing",
      impact:
        "A build of the agents' image failed within the last day. Until one succeeds, new agents run the image before, " +
        "which may lack patches.",
      namespace: "AWS/CodeBuild",
      metric: "FailedBuilds",
      dimensions: { ProjectName: project.name },
      statistic: "Sum",
      comparison: "GreaterThanOrEqualToThreshold",
      threshold: 1,
      periodSeconds: 3600,
      periods: 24,
      breaching: 1,
      missingData: "notBreaching",
    });
  }

  private project(): CodebuildProject {
    const { context, config, architecture, repository } = this.props;
    const name = imageProjectName(context.name);
    const source = this.source();
    const logGroup = createLogGroup(this, "logs", context, logGroupName(context.name, "image"));
    const role = new ServiceRole(this, "image-build", {
      context,
      service: "codebuild.amazonaws.com",
      description: `Builds the image of the agents of fleet ${context.name}`,
      trustCondition: { ArnEquals: { "aws:SourceArn": arnOf(context, "codebuild", `project/${name}`) } },
    });
    grantLogWrite(logGroup, role);
    role.allow({ actions: ["s3:GetObject", "s3:GetObjectVersion"], resources: [source.arn] });
    // CodeBuild checks the bucket's owner and region.
    role.allow({ actions: ["s3:GetBucketAcl", "s3:GetBucketLocation"], resources: [source.bucketArn] });
    role.allowKey(context, ["kms:Decrypt"]);
    repository.grantPush(role);
    if (config.baseImage !== undefined) allowImagePull(role, config.baseImage, context, this.props);
    const project = new CodebuildProject(this, "project", {
      name,
      description: `Builds the image of the agents of fleet ${context.name}`,
      serviceRole: role.arn,
      buildTimeout: config.timeoutMinutes,
      // Two builds at once could end in the wrong order. Emulators of AWS forget this setting, hence the lifecycle.
      concurrentBuildLimit: 1,
      lifecycle: { ignoreChanges: ["concurrent_build_limit"] },
      artifacts: { type: "NO_ARTIFACTS" },
      source: { type: "S3", location: source.location, buildspec },
      environment: {
        ...environments[architecture],
        computeType: "BUILD_GENERAL1_SMALL",
        imagePullCredentialsType: "CODEBUILD",
        // The build runs Docker in its container.
        privilegedMode: true,
        environmentVariable: this.variables(),
      },
      logsConfig: { cloudwatchLogs: { groupName: logGroup.name }, s3Logs: { status: "DISABLED" } },
      dependsOn: role.ready,
    });
    acceptFindings(project, { CKV_AWS_316: "It builds an image, and Docker in CodeBuild needs the privileged mode." });
    return project;
  }

  private variables() {
    const { config, architecture, repository } = this.props;
    return sortedVariables({
      IMAGE_VERSIONS: repository.versions,
      IMAGE_CURRENT: repository.current,
      ...(config.baseImage !== undefined && { BASE_IMAGE: config.baseImage }),
      ...(config.packages.length > 0 && { PACKAGES: config.packages.join(" ") }),
      ...(config.agent && {
        AGENT_VERSION: config.agent.version,
        [checksumArgument[architecture]]: config.agent.sha256,
      }),
    });
  }

  /** The folder as a zip in a bucket. Terraform uploads it again whenever it changes. */
  private source(): { readonly location: string; readonly arn: string; readonly bucketArn: string } {
    const { context, folder } = this.props;
    const files = new TerraformAsset(this, "files", {
      path: FleetApp.of(this).uploadFolder(`agents/${folder}`),
      type: AssetType.DIRECTORY,
    });
    const archive = new DataArchiveFile(this, "archive", {
      type: "zip",
      sourceDir: files.path,
      outputPath: `${files.path}.zip`,
      outputFileMode: "0644",
    });
    const bucket = new PrivateBucket(this, "source", {
      context,
      purpose: "image",
      kmsKeyArn: context.kmsKeyArn,
      forceDestroy: true,
    });
    const key = "source.zip";
    const object = new S3Object(this, "object", {
      bucket: bucket.name,
      key,
      source: archive.outputPath,
      sourceHash: archive.outputBase64Sha256,
      // S3 takes ten tags on an object, but a stack may have fifty.
      overrideProvider: { defaultTags: { tags: {} } },
      dependsOn: bucket.ready,
    });
    return { location: `${bucket.name}/${object.key}`, arn: `${bucket.arn}/${key}`, bucketArn: bucket.arn };
  }

  private runOnSchedule(project: CodebuildProject, scheduleExpression: string): void {
    const { context } = this.props;
    const rule = new CloudwatchEventRule(this, "rule", {
      name: `${context.name}-image`,
      description: `Builds the image of the agents of fleet ${context.name} anew, for patches`,
      scheduleExpression,
    });
    const role = new ServiceRole(this, "image-schedule", {
      context,
      service: "events.amazonaws.com",
      description: `Starts the image builds of fleet ${context.name}`,
      trustCondition: { ArnEquals: { "aws:SourceArn": rule.arn } },
    });
    role.allow({ actions: ["codebuild:StartBuild"], resources: [project.arn] });
    new CloudwatchEventTarget(this, "target", {
      rule: rule.name,
      arn: project.arn,
      roleArn: role.arn,
      dependsOn: role.ready,
    });
  }
}
