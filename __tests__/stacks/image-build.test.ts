import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { kmsKeyArn, stack, synthesize, topic } from "./image-build.ts";
import { rightsOf, type Synthesized, statements, theOnly } from "./synth.ts";

const arn = "arn:${data.aws_partition.partition.partition}";
const account = "${data.aws_caller_identity.account.account_id}";
const sha256 = "0123456789abcdef".repeat(4);
const project = theOnly(stack, "aws_codebuild_project");

describe("the build of the image", () => {
  it("is a CodeBuild project of a known name, with Docker, one build at a time", () => {
    expect(project).toMatchObject({
      name: "ci-image",
      build_timeout: 30,
      concurrent_build_limit: 1,
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        privileged_mode: true,
      },
      logs_config: {
        cloudwatch_logs: { group_name: expect.stringContaining("aws_cloudwatch_log_group.image_logs") },
        s3_logs: { status: "DISABLED" },
      },
    });
    expect(theOnly(stack, "aws_cloudwatch_log_group")).toMatchObject({
      name: "/agent-fleets/ci/image",
      retention_in_days: 30,
    });
  });

  it("runs where the agents' architecture is native", () => {
    expect(theOnly(synthesize({ architecture: "arm64" }), "aws_codebuild_project").environment).toMatchObject({
      type: "ARM_CONTAINER",
      image: "aws/codebuild/amazonlinux-aarch64-standard:3.0",
    });
  });

  it("gets its arguments from the config, and only those that it gives", () => {
    const variablesOf = (of: Synthesized) => {
      const { environment_variable } = theOnly(of, "aws_codebuild_project").environment as {
        environment_variable: readonly { name: string; value: string }[];
      };
      return Object.fromEntries(environment_variable.map(({ name, value }) => [name, value]));
    };
    expect(Object.keys(variablesOf(stack))).toEqual(["IMAGE_CURRENT", "IMAGE_VERSIONS"]);
    const config = {
      agent: { version: "4.1.2", sha256 },
      packages: ["zip", "python3=3.12.3-0ubuntu2"],
      baseImage: "acme/ubuntu:24.04",
    };
    expect(variablesOf(synthesize({ config, architecture: "arm64" }))).toMatchObject({
      AGENT_SHA256_ARM64: sha256,
      AGENT_VERSION: "4.1.2",
      BASE_IMAGE: "acme/ubuntu:24.04",
      PACKAGES: "zip python3=3.12.3-0ubuntu2",
    });
  });

  it("has the agent's folder as its source, uploaded whenever it changes", () => {
    synthesize({}, (folder) => {
      const [archive] = Object.values(stack.data.archive_file ?? {});
      const files = readdirSync(join(folder, String(archive?.source_dir)));
      expect(files).toEqual(expect.arrayContaining(["Dockerfile", "build.sh", "install-agent.sh", "start.sh"]));
    });
    const object = theOnly(stack, "aws_s3_object");
    expect(object).toMatchObject({
      key: "source.zip",
      source: expect.stringMatching(/^\$\{data\.archive_file\.\w+\.output_path\}$/),
      source_hash: expect.stringMatching(/^\$\{data\.archive_file\.\w+\.output_base64sha256\}$/),
      override_provider: { default_tags: { tags: {} } },
    });
    expect(project.source).toMatchObject({
      type: "S3",
      location: expect.stringMatching(/^\$\{aws_s3_bucket\.\w+\.id\}\/\$\{aws_s3_object\.\w+\.key\}$/),
    });
  });

  it("keeps its source in a private, encrypted bucket that speaks TLS only", () => {
    expect(theOnly(stack, "aws_s3_bucket")).toMatchObject({ bucket_prefix: "ci-image-", force_destroy: true });
    expect(theOnly(stack, "aws_s3_bucket_public_access_block")).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(JSON.stringify(theOnly(stack, "aws_s3_bucket_server_side_encryption_configuration"))).toContain("AES256");
    expect(statements(theOnly(stack, "aws_s3_bucket_policy").policy)).toMatchObject([
      { Effect: "Deny", Principal: "*", Action: "s3:*", Condition: { Bool: { "aws:SecureTransport": "false" } } },
    ]);
    const encrypted = synthesize({ kmsKeyArn, name: "a-name-of-the-greatest-length-0123456789" });
    expect(JSON.stringify(theOnly(encrypted, "aws_s3_bucket_server_side_encryption_configuration"))).toContain(
      kmsKeyArn,
    );
    expect(String(theOnly(encrypted, "aws_s3_bucket").bucket_prefix).length).toBeLessThanOrEqual(37);
    expect(stack.resource.aws_s3_bucket_versioning).toBeUndefined();
  });

  it("may do exactly this", () => {
    const repositories = ["versions", "current"].map((name) =>
      expect.stringMatching(new RegExp(`images_${name}_\\w+\\.arn`)),
    );
    const allow = (Action: string[], Resource: unknown[]) => ({ Effect: "Allow", Action, Resource });
    expect(rightsOf(stack, "image-build")).toEqual([
      allow(["logs:CreateLogStream", "logs:PutLogEvents"], [expect.stringMatching(/image_logs_\w+\.arn\}:\*$/)]),
      allow(
        ["s3:GetObject", "s3:GetObjectVersion"],
        [expect.stringMatching(/aws_s3_bucket\.\w+\.arn\}\/source\.zip$/)],
      ),
      allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], [expect.stringMatching(/^\$\{aws_s3_bucket\.\w+\.arn\}$/)]),
      allow(
        [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ],
        repositories,
      ),
      allow(["ecr:GetAuthorizationToken"], ["*"]),
    ]);
    expect(rightsOf(stack, "puller")).toEqual([
      allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories),
      allow(["ecr:GetAuthorizationToken"], ["*"]),
    ]);
    const roles = Object.entries(stack.resource.aws_iam_role ?? {});
    expect(statements(roles.find(([id]) => id.includes("image-build"))?.[1].assume_role_policy)).toMatchObject([
      {
        Principal: { Service: "codebuild.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": `${arn}:codebuild:us-west-2:${account}:project/ci-image` } },
      },
    ]);
  });

  it("may also use the stack's key, and pull a base image that is in ECR", () => {
    const baseImage = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/base/ubuntu:24.04";
    const rights = rightsOf(synthesize({ kmsKeyArn, config: { baseImage } }), "image-build");
    expect(rights).toContainEqual({ Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] });
    expect(rights).toContainEqual({
      Effect: "Allow",
      Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchImportUpstreamImage"],
      Resource: [`${arn}:ecr:eu-west-1:210987654321:repository/base/ubuntu`],
    });
  });

  it("runs every week for patches, by a role that may do nothing else", () => {
    expect(theOnly(stack, "aws_cloudwatch_event_rule")).toMatchObject({ schedule_expression: "cron(17 3 ? * SUN *)" });
    expect(theOnly(stack, "aws_cloudwatch_event_target")).toMatchObject({
      arn: expect.stringContaining("aws_codebuild_project"),
      role_arn: expect.stringContaining("image-schedule"),
    });
    expect(rightsOf(stack, "image-schedule")).toEqual([
      {
        Effect: "Allow",
        Action: ["codebuild:StartBuild"],
        Resource: [expect.stringContaining("aws_codebuild_project")],
      },
    ]);
    const never = synthesize({ config: { schedule: "never" } });
    expect(never.resource.aws_cloudwatch_event_rule).toBeUndefined();
    expect(Object.keys(never.resource.aws_iam_role ?? {}).filter((id) => id.includes("schedule"))).toEqual([]);
  });

  it("defect 9 of azure-devops: an alarm tells of every build that failed, for a day, and tells again", () => {
    expect(theOnly(stack, "aws_cloudwatch_metric_alarm")).toMatchObject({
      alarm_name: "ci-image-build-failing",
      namespace: "AWS/CodeBuild",
      metric_name: "FailedBuilds",
      dimensions: { ProjectName: expect.stringContaining("aws_codebuild_project") },
      period: 3600,
      evaluation_periods: 24,
      datapoints_to_alarm: 1,
      treat_missing_data: "notBreaching",
      alarm_actions: [topic.arn],
      ok_actions: [topic.arn],
    });
  });

  it("names no path of this machine", () => {
    expect(JSON.stringify(stack)).not.toContain(process.cwd());
    expect(synthesize()).toEqual(stack);
  });
});

describe("the buildspec", () => {
  const { buildspec } = project.source as { buildspec: string };
  const { phases, env } = z
    .object({
      version: z.literal("0.2"),
      env: z.object({ shell: z.literal("bash"), "exported-variables": z.array(z.string()) }),
      phases: z.object({ build: z.object({ commands: z.array(z.string()) }) }),
    })
    .parse(JSON.parse(buildspec));

  it.skipIf(!existsSync("/bin/bash"))("exports what the build wrote, and fails with it", () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    const run = (build: string) => {
      writeFileSync(join(folder, "build.sh"), build);
      const commands = [...phases.build.commands, `echo "$${env["exported-variables"].join("$")}"`];
      // CodeBuild ends a phase with the first command that fails.
      return spawnSync("/bin/bash", ["-ec", commands.join("\n")], { cwd: folder, encoding: "utf8" });
    };
    try {
      expect(run("printf 'repository:1.0' >image.txt")).toMatchObject({ status: 0, stdout: "repository:1.0\n" });
      expect(run("exit 3")).toMatchObject({ status: 3, stdout: "" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("holds nothing that Terraform would take for its own", () => {
    expect(buildspec).not.toMatch(/[$%]\{/);
  });
});
