import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import type { Construct } from "constructs";
import type { ServiceRole } from "./service-role.ts";
import type { StackContext } from "./stack-context.ts";

/** Name of one of a stack's log groups. Without parts: their common prefix. */
export function logGroupName(stack: string, ...parts: readonly string[]): string {
  return ["/agent-fleets", stack, ...parts].join("/");
}

/** A log group with the stack's retention and key. */
export function createLogGroup(scope: Construct, id: string, context: StackContext, name: string): CloudwatchLogGroup {
  return new CloudwatchLogGroup(scope, id, {
    name,
    retentionInDays: context.logRetentionDays,
    kmsKeyId: context.kmsKeyArn,
  });
}

/** Lets a role write streams of exactly this group. */
export function grantLogWrite(group: CloudwatchLogGroup, role: ServiceRole): void {
  role.allow({ actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [`${group.arn}:*`] });
}
