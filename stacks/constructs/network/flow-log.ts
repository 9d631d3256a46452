import type { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { FlowLog } from "#provider-aws/flow-log";
import type { VpcConfig } from "../../config/network/vpc.ts";
import { createLogGroup, logGroupName } from "../log-group.ts";
import { PrivateBucket } from "../private-bucket.ts";
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
  // This action lists groups by prefix, so it cannot be limited to one group.
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
  const bucket = new PrivateBucket(scope, "flow-log-bucket", {
    context,
    purpose: "flow-logs",
    // Not the stack's key, because its policy would have to allow the delivery service.
    kmsKeyArn: undefined,
    expireDays: context.logRetentionDays,
    allow: (arn) => deliveryStatements(context, arn),
  });
  return { logDestinationType: "s3", logDestination: bucket.arn, dependsOn: [bucket.policy] };
}

/**
 * The bucket policy that AWS documents for flow logs, limited to this account and region. It leaves out the documented
 * condition on the ACL: new buckets have ACLs disabled and own all objects, whether or not the service sends an ACL.
 */
function deliveryStatements(context: StackContext, bucketArn: string): readonly object[] {
  const delivery = {
    Effect: "Allow",
    Principal: { Service: "delivery.logs.amazonaws.com" },
  };
  const Condition = {
    StringEquals: { "aws:SourceAccount": context.accountId },
    ArnLike: { "aws:SourceArn": arnOf(context, "logs", "*") },
  };
  return [
    {
      ...delivery,
      Sid: "AWSLogDeliveryWrite",
      Action: "s3:PutObject",
      Resource: `${bucketArn}/AWSLogs/${context.accountId}/*`,
      Condition,
    },
    {
      ...delivery,
      Sid: "AWSLogDeliveryAclCheck",
      Action: ["s3:GetBucketAcl", "s3:ListBucket"],
      Resource: bucketArn,
      Condition,
    },
  ];
}
