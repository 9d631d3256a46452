import type { Construct } from "constructs";
import { CloudwatchLogGroup } from "#provider-aws/cloudwatch-log-group";
import { acceptFindings, withoutKey } from "./accepted-findings.ts";
import type { ServiceRole } from "./service-role.ts";
import type { StackContext } from "./stack-context.ts";

/** Name of one of a stack's log groups. Without parts: their common prefix. */
export function logGroupName(stack: string, ...parts: readonly string[]): string {
  return ["/agent-fleets", stack, ...parts].join("/");
}

/** A log group with the stack's retention and key. */
export function createLogGroup(scope: Construct, id: string, context: StackContext, name: string): CloudwatchLogGroup {
  const group = new CloudwatchLogGroup(scope, id, {
    name,
    retentionInDays: context.logRetentionDays,
    kmsKeyId: context.kmsKeyArn,
  });
  acceptFindings(group, {
    CKV_AWS_158: !context.kmsKeyArn && withoutKey,
    CKV_AWS_338:
      context.logRetentionDays < 365 && "The config sets logs.retentionDays: what to keep is the owner's choice.",
  });
  return group;
}

/** Lets a role write streams of exactly this group. */
export function grantLogWrite(group: CloudwatchLogGroup, role: ServiceRole): void {
  role.allow({ actions: ["logs:CreateLogStream", "logs:PutLogEvents"], resources: [`${group.arn}:*`] });
}
