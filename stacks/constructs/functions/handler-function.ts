import { Construct } from "constructs";
import { AssetType, TerraformAsset, type TerraformResource } from "#cdktf";
import { DataArchiveFile } from "#provider-archive/data-archive-file";
import { LambdaFunction } from "#provider-aws/lambda-function";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import { FleetApp } from "../fleet-app.ts";
import { createLogGroup, grantLogWrite } from "../log-group.ts";
import type { FleetNetwork } from "../network/fleet-network.ts";
import { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import type { Statement } from "../statement.ts";
import type { HandlerName } from "./bundle.ts";
import { checkEnvironment } from "./lambda-environment.ts";

/**
 * Rights for Lambda itself, which acts with the function's role. The function's own calls carry its ARN, so the
 * condition excludes them. AWS allows no resources for these actions.
 */
const lambdaInNetwork: Statement = {
  actions: [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ],
  resources: ["*"],
  condition: { Null: { "lambda:SourceFunctionArn": "true" } },
};

/** One of our handlers as a Lambda: code, role, log group. The code lies in the stack's own directory. */
export class HandlerFunction extends Construct {
  readonly name: string;
  readonly arn: string;
  readonly role: ServiceRole;
  readonly function: LambdaFunction;
  readonly logGroupName: string;

  constructor(
    scope: Construct,
    id: HandlerName,
    props: {
      readonly context: StackContext;
      readonly description: string;
      readonly timeoutSeconds: number;
      readonly memoryMiB: number;
      /** Encoded by the handler's schema in `handlers/lib/settings`. */
      readonly environment: Readonly<Record<string, string>>;
      /** The network in which it runs. Left out: outside of any VPC. */
      readonly network?: Pick<FleetNetwork, "subnetIds" | "securityGroupIds"> | undefined;
      /** What must be there, besides its rights, before its code and environment change. */
      readonly after?: readonly TerraformResource[];
    },
  ) {
    super(scope, id);
    const { context, network } = props;
    this.name = `${context.name}-${id}`;
    checkEnvironment(this, this.name, props.environment, context);
    this.logGroupName = `/aws/lambda/${this.name}`;
    const logGroup = createLogGroup(this, "logs", context, this.logGroupName);
    this.role = new ServiceRole(this, `${id}-role`, {
      context,
      service: "lambda.amazonaws.com",
      description: `Rights of the ${id} function of fleet ${context.name}`,
    });
    grantLogWrite(logGroup, this.role);
    this.role.allowKey(context, ["kms:Decrypt"]);
    if (network) this.role.allow(lambdaInNetwork);

    const code = new TerraformAsset(this, "code", {
      path: FleetApp.of(this).bundleFolder(id),
      type: AssetType.DIRECTORY,
    });
    const archive = new DataArchiveFile(this, "archive", {
      type: "zip",
      sourceDir: code.path,
      outputPath: `${code.path}.zip`,
      outputFileMode: "0644",
    });
    this.function = new LambdaFunction(this, "function", {
      functionName: this.name,
      description: props.description,
      role: this.role.arn,
      runtime: context.lambdaRuntime,
      architectures: ["arm64"],
      handler: "index.handler",
      filename: archive.outputPath,
      sourceCodeHash: archive.outputBase64Sha256,
      timeout: props.timeoutSeconds,
      memorySize: props.memoryMiB,
      kmsKeyArn: context.kmsKeyArn,
      ...(network && {
        vpcConfig: { subnetIds: network.subnetIds, securityGroupIds: [...network.securityGroupIds] },
      }),
      environment: { variables: { ...props.environment } },
      dependsOn: [...this.role.ready, logGroup, ...(props.after ?? [])],
    });
    acceptFindings(this.function, {
      CKV_AWS_50: "Each pass is one log line with its reason and its times; a trace would add cost, not knowledge.",
      CKV_AWS_115: "A new account has ten executions at once and cannot reserve any. Single flight is by a lease.",
      CKV_AWS_116: "No event is lost with a run: the loop observes everything anew, and SQS keeps failed messages.",
      CKV_AWS_117:
        !network && "It calls public APIs only and accepts no connections. loop.inNetwork puts it into a VPC.",
      CKV_AWS_173: !context.kmsKeyArn && withoutKey,
      CKV_AWS_272: "Terraform uploads the code and knows its hash. A signature would need a signing profile.",
    });
    this.arn = this.function.arn;
  }
}
