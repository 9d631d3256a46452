import { describe, expect, it } from "vitest";
import { network } from "./network.ts";
import { resources, rightsOf, statements, theOnly } from "./synth.ts";

const account = "${data.aws_caller_identity.account.account_id}";
const arn = "arn:${data.aws_partition.partition.partition}";

describe("flow logs", () => {
  it("are off unless asked for", () => {
    expect(resources(network(), "aws_flow_log")).toEqual([]);
  });

  it("go to a log group by a role with exactly the rights for it", () => {
    const stack = network({ flowLogs: { to: "cloudwatch", traffic: "reject", intervalSeconds: 60 } });
    const group = expect.stringMatching(/^\$\{aws_cloudwatch_log_group\.network_flow-logs_\w+\.arn\}$/);
    expect(theOnly(stack, "aws_flow_log")).toMatchObject({
      log_destination_type: "cloud-watch-logs",
      log_destination: group,
      traffic_type: "REJECT",
      max_aggregation_interval: 60,
    });
    expect(theOnly(stack, "aws_cloudwatch_log_group")).toMatchObject({
      name: "/agent-fleets/net/flow-logs",
      retention_in_days: 30,
    });
    expect(rightsOf(stack, "flow-log-role")).toEqual([
      {
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        Resource: [group, expect.stringMatching(/^\$\{aws_cloudwatch_log_group\.network_flow-logs_\w+\.arn\}:\*$/)],
      },
      {
        Effect: "Allow",
        Action: ["logs:DescribeLogGroups"],
        Resource: [`${arn}:logs:us-west-2:${account}:log-group:*`],
      },
    ]);
    expect(statements(theOnly(stack, "aws_iam_role").assume_role_policy)).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { Service: "vpc-flow-logs.amazonaws.com" },
        Condition: {
          StringEquals: { "aws:SourceAccount": account },
          ArnLike: { "aws:SourceArn": `${arn}:ec2:us-west-2:${account}:vpc-flow-log/*` },
        },
      },
    ]);
  });

  it("go to a private bucket of our own that only the delivery service of this account writes", () => {
    const stack = network({ flowLogs: { to: "s3" }, logs: { retentionDays: 90 } });
    const bucket = expect.stringMatching(/^\$\{aws_s3_bucket\.network_flow-log-bucket_\w+\.arn\}$/);
    expect(theOnly(stack, "aws_flow_log")).toMatchObject({ log_destination_type: "s3", log_destination: bucket });
    expect(theOnly(stack, "aws_flow_log")).not.toHaveProperty("iam_role_arn");
    expect(theOnly(stack, "aws_s3_bucket_public_access_block")).toMatchObject({
      block_public_acls: true,
      block_public_policy: true,
      ignore_public_acls: true,
      restrict_public_buckets: true,
    });
    expect(theOnly(stack, "aws_s3_bucket_lifecycle_configuration")).toMatchObject({
      rule: [{ status: "Enabled", expiration: [{ days: 90 }] }],
    });
    const fromHere = {
      StringEquals: { "aws:SourceAccount": account },
      ArnLike: { "aws:SourceArn": `${arn}:logs:us-west-2:${account}:*` },
    };
    const Principal = { Service: "delivery.logs.amazonaws.com" };
    expect(statements(theOnly(stack, "aws_s3_bucket_policy").policy)).toEqual([
      {
        Sid: "AWSLogDeliveryWrite",
        Effect: "Allow",
        Principal,
        Action: "s3:PutObject",
        Resource: expect.stringMatching(/\.arn\}\/AWSLogs\/\$\{data\.aws_caller_identity\.account\.account_id\}\/\*$/),
        Condition: fromHere,
      },
      {
        Sid: "AWSLogDeliveryAclCheck",
        Effect: "Allow",
        Principal,
        Action: ["s3:GetBucketAcl", "s3:ListBucket"],
        Resource: bucket,
        Condition: fromHere,
      },
      {
        Sid: "NoPlainHttp",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucket, expect.stringMatching(/\.arn\}\/\*$/)],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ]);
  });

  it("kept for ever have no expiry", () => {
    const stack = network({ flowLogs: { to: "s3" }, logs: { retentionDays: 0 } });
    expect(resources(stack, "aws_s3_bucket_lifecycle_configuration")).toEqual([]);
  });

  it("go to a given bucket as it is", () => {
    const stack = network({ flowLogs: { to: "s3", bucketArn: "arn:aws:s3:::acme-flow-logs" } });
    expect(theOnly(stack, "aws_flow_log")).toMatchObject({ log_destination: "arn:aws:s3:::acme-flow-logs" });
    expect(resources(stack, "aws_s3_bucket")).toEqual([]);
  });
});
