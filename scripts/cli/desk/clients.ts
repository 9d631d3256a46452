import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECSClient } from "@aws-sdk/client-ecs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { type SignedCall, signedCallsOf } from "../../../handlers/lib/aws/signed-call.ts";

/** The AWS that a desk reads. All of it is read, nothing is changed. */
export interface DeskClients {
  readonly autoScaling: AutoScalingClient;
  readonly cloudwatch: CloudWatchClient;
  readonly dynamodb: DynamoDBClient;
  readonly ec2: EC2Client;
  readonly ecs: ECSClient;
  readonly lambda: LambdaClient;
  readonly logs: CloudWatchLogsClient;
  readonly sfn: SFNClient;
  readonly sqs: SQSClient;
  /** See {@link signedCall}. */
  readonly call: SignedCall;
}

/** Clients for a region, with the credentials of the AWS SDK's usual places. */
export function deskClientsIn(region: string, env: Readonly<Record<string, string | undefined>>): DeskClients {
  const options = { ...clientOptions, region };
  const lambda = new LambdaClient(options);
  return {
    autoScaling: new AutoScalingClient(options),
    cloudwatch: new CloudWatchClient(options),
    dynamodb: new DynamoDBClient(options),
    ec2: new EC2Client(options),
    ecs: new ECSClient(options),
    lambda,
    logs: new CloudWatchLogsClient(options),
    sfn: new SFNClient(options),
    // Else the URL of a queue would count for more than AWS_ENDPOINT_URL.
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
    call: signedCallsOf(lambda, env),
  };
}
