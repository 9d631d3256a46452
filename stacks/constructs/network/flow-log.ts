import { FlowLog } from "@cdktf/provider-aws/lib/flow-log";
import { S3Bucket } from "@cdktf/provider-aws/lib/s3-bucket";
import { S3BucketLifecycleConfiguration } from "@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration";
import { S3BucketPolicy } from "@cdktf/provider-aws/lib/s3-bucket-policy";
import { S3BucketPublicAccessBlock } from "@cdktf/provider-aws/lib/s3-bucket-public-access-block";
import { S3BucketServerSideEncryptionConfigurationA } from "@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { VpcConfig } from "../../config/network/vpc.ts";
import { createLogGroup, logGroupName } from "../log-group.ts";
import { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";

/** Records the traffic of a VPC. */
export function createFlowLog(
  scope: Construct,
  props: {
    readonly context: StackContext;
    readonly vpcId: string;
    readonly config: NonNullable<VpcConfig["flowLogs"]>;
  },
): void {
  const { context, vpcId, config } = props;
  const { dependsOn, ...destination } =
    config.to === "cloudwatch" ? toCloudWatch(scope, context) : toS3(scope, context, config.bucketArn);
  new FlowLog(scope, "flow-log", {
    vpcId,
    trafficType: config.traffic.toUpperCase(),
    maxAggregationInterval: config.intervalSeconds,
    tags: { Name: context.name },
    ...destination,
    dependsOn,
  });
}

interface Destination {
  readonly logDestinationType: string;
  readonly logDestination: string;
  readonly iamRoleArn?: string;
  readonly dependsOn?: ITerraformDependable[];
}

function toCloudWatch(scope: Construct, context: StackContext): Destination {
  const group = createLogGroup(scope, "flow-logs", context, logGroupName(context.name, "flow-logs"));
  const role = new ServiceRole(scope, "flow-log-role", {
    context,
    service: "vpc-flow-logs.amazonaws.com",
    description: `Writes the flow logs of ${context.name}`,
    trustCondition: {
      StringEquals: { "aws:SourceAccount": context.accountId },
      ArnLike: { "aws:SourceArn": arnOf(context, "ec2", "vpc-flow-log/*") },
    },
  });
  role.allow({
    actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
    resources: [group.arn, `${group.arn}:*`],
  });
  // Lists groups by prefix, so it cannot be limited to one.
  role.allow({ actions: ["logs:DescribeLogGroups"], resources: [arnOf(context, "logs", "log-group:*")] });
  return {
    logDestinationType: "cloud-watch-logs",
    logDestination: group.arn,
    iamRoleArn: role.arn,
    dependsOn: role.ready,
  };
}

function toS3(scope: Construct, context: StackContext, givenArn: string | undefined): Destination {
  if (givenArn !== undefined) return { logDestinationType: "s3", logDestination: givenArn };
  const bucket = new FlowLogBucket(scope, "flow-log-bucket", context);
  return { logDestinationType: "s3", logDestination: bucket.arn, dependsOn: bucket.ready };
}

/** A private bucket that takes flow logs of this account and drops them in time. */
class FlowLogBucket extends Construct {
  readonly arn: string;
  readonly ready: ITerraformDependable[];

  constructor(scope: Construct, id: string, context: StackContext) {
    super(scope, id);
    // AWS takes 37 characters of prefix.
    const { id: bucket, arn } = new S3Bucket(this, "bucket", {
      bucketPrefix: `${context.name.slice(0, 26)}-flow-logs-`,
    });
    this.arn = arn;
    const closed = new S3BucketPublicAccessBlock(this, "private", {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    // Not the stack's key: its policy would have to let the delivery service in.
    new S3BucketServerSideEncryptionConfigurationA(this, "encryption", {
      bucket,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }],
    });
    if (context.logRetentionDays > 0) {
      new S3BucketLifecycleConfiguration(this, "expiry", {
        bucket,
        rule: [{ id: "expire", status: "Enabled", filter: [{}], expiration: [{ days: context.logRetentionDays }] }],
      });
    }
    const policy = new S3BucketPolicy(this, "policy", {
      bucket,
      policy: deliveryPolicy(context, arn),
      dependsOn: [closed],
    });
    this.ready = [policy];
  }
}

/**
 * As AWS documents it for flow logs, limited to this account and region, and no plain HTTP. Without the documented
 * condition on the ACL: new buckets have ACLs disabled and own what is written, whether or not the service sends one.
 */
function deliveryPolicy(context: StackContext, bucketArn: string): string {
  const delivery = {
    Effect: "Allow",
    Principal: { Service: "delivery.logs.amazonaws.com" },
  };
  const fromHere = {
    StringEquals: { "aws:SourceAccount": context.accountId },
    ArnLike: { "aws:SourceArn": arnOf(context, "logs", "*") },
  };
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        ...delivery,
        Sid: "AWSLogDeliveryWrite",
        Action: "s3:PutObject",
        Resource: `${bucketArn}/AWSLogs/${context.accountId}/*`,
        Condition: fromHere,
      },
      {
        ...delivery,
        Sid: "AWSLogDeliveryAclCheck",
        Action: ["s3:GetBucketAcl", "s3:ListBucket"],
        Resource: bucketArn,
        Condition: fromHere,
      },
      {
        Sid: "NoPlainHttp",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}
