import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter";
import type { Construct } from "constructs";
import { logGroupName } from "./log-group.ts";
import type { ServiceRole } from "./service-role.ts";
import { arnOf, type StackContext } from "./stack-context.ts";

/** Name of the log group that holds the ECS Exec sessions of a cluster of ours. */
export function sessionLogGroup(cluster: string): string {
  return logGroupName(cluster, "exec");
}

/** Lets a task write the log of its ECS Exec sessions and, where they are encrypted with a key of yours, take part. */
export function allowSessions(
  role: ServiceRole,
  { logGroupArn, keyArn }: { readonly logGroupArn: string; readonly keyArn: string | undefined },
): void {
  role.allow({
    actions: ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
    resources: [`${logGroupArn}:*`],
  });
  // The session asks for all groups to find its own.
  role.allow({ actions: ["logs:DescribeLogGroups"], resources: ["*"] });
  if (keyArn !== undefined) role.allow({ actions: ["kms:Decrypt"], resources: [keyArn] });
}

/** Tells fleets on a cluster of ours, by an SSM parameter, which key encrypts its sessions. */
export function publishSessionKey(scope: Construct, context: StackContext): void {
  new SsmParameter(scope, "session-key", {
    name: keyParameter(context.name),
    type: "String",
    value: context.kmsKeyArn ?? arnOf(context, "kms", "key/none"),
    description: "Key of ECS Exec sessions; key/none: they have none",
  });
}

/** {@link allowSessions} for a task of another stack, on the cluster that a stack of ours has made. */
export function allowSessionsOn(cluster: string, role: ServiceRole, context: StackContext): void {
  const key = new DataAwsSsmParameter(role, "session-key", { name: keyParameter(cluster) });
  allowSessions(role, {
    logGroupArn: arnOf(context, "logs", `log-group:${sessionLogGroup(cluster)}`),
    // The attribute `value` counts as a secret for Terraform; this one is for what is none.
    keyArn: key.insecureValue,
  });
}

function keyParameter(cluster: string): string {
  return `/agent-fleets/${cluster}/exec/kms-key-arn`;
}
