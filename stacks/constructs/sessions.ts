import type { Construct } from "constructs";
import { DataAwsSsmParameter } from "#provider-aws/data-aws-ssm-parameter";
import { SsmParameter } from "#provider-aws/ssm-parameter";
import { acceptFindings } from "./accepted-findings.ts";
import { logGroupName } from "./log-group.ts";
import type { ServiceRole } from "./service-role.ts";
import { arnOf, type StackContext } from "./stack-context.ts";

/** Name of the log group of ECS Exec sessions on one of our clusters. */
export function sessionLogGroup(cluster: string): string {
  return logGroupName(cluster, "exec");
}

/** Lets a task write the log of its ECS Exec sessions and, with `keyArn`, use the key that encrypts them. */
export function allowSessions(
  role: ServiceRole,
  { logGroupArn, keyArn }: { readonly logGroupArn: string; readonly keyArn: string | undefined },
): void {
  role.allow({
    actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
    resources: [`${logGroupArn}:*`],
  });
  // The session lists all groups to find its own.
  role.allow({ actions: ["logs:DescribeLogGroups"], resources: ["*"] });
  if (keyArn !== undefined) role.allow({ actions: ["kms:Decrypt"], resources: [keyArn] });
}

/** Publishes the key of a cluster's sessions to fleets on it, as an SSM parameter. */
export function publishSessionKey(scope: Construct, context: StackContext): void {
  const parameter = new SsmParameter(scope, "session-key", {
    name: keyParameter(context.name),
    type: "String",
    value: context.kmsKeyArn ?? arnOf(context, "kms", "key/none"),
    description: "Key of ECS Exec sessions; key/none: they have none",
  });
  acceptFindings(parameter, { CKV2_AWS_34: "It holds the name of a key, which is no secret." });
}

/** {@link allowSessions} for a task on a cluster that another stack has made. */
export function allowSessionsOn(cluster: string, role: ServiceRole, context: StackContext): void {
  const key = new DataAwsSsmParameter(role, "session-key", { name: keyParameter(cluster) });
  allowSessions(role, {
    logGroupArn: arnOf(context, "logs", `log-group:${sessionLogGroup(cluster)}`),
    // Terraform treats the attribute `value` as a secret; this one is for values that are not secret.
    keyArn: key.insecureValue,
  });
}

function keyParameter(cluster: string): string {
  return `/agent-fleets/${cluster}/exec/kms-key-arn`;
}
