import type { ServiceRole } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { allowExecuteCommand } from "../tasks/task-rights.ts";

/**
 * Lets an instance's SSM agent serve Session Manager and Run Command, and no more. AWS's managed policy
 * AmazonSSMManagedInstanceCore also reads every parameter of the account. Older SSM agents use ec2messages for
 * Run Command. https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 * and systems-manager-setting-up-messageAPIs.html there.
 */
export function allowSystemsManager(role: ServiceRole, context: StackContext): void {
  role.allow({ actions: ["ssm:UpdateInstanceInformation"], resources: [arnOf(context, "ec2", "instance/*")] });
  allowExecuteCommand(role);
  role.allow({
    actions: [
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
    ],
    // AWS allows no resources for these actions.
    resources: ["*"],
  });
}

/**
 * Lets an instance's SSM agent work on one association: Image Builder makes one with this document on each building
 * instance, to list the software of the AMI (the policy of AWSServiceRoleForImageBuilder names it and no other).
 * Actions and resources: Service Authorization Reference of Systems Manager. That the agent needs no other rights is
 * assumed.
 */
export function allowInventory(role: ServiceRole, context: StackContext): void {
  const instances = arnOf(context, "ec2", "instance/*");
  // AWS's own documents are in no account of ours. Nobody else can make a document whose name begins with AWS.
  const document = `arn:${context.partition}:ssm:${context.region}:*:document/AWS-GatherSoftwareInventory`;
  role.allow({
    actions: [
      "ssm:DescribeAssociation",
      "ssm:DescribeDocument",
      "ssm:GetDocument",
      "ssm:ListInstanceAssociations",
      "ssm:UpdateAssociationStatus",
      "ssm:UpdateInstanceAssociationStatus",
      "ssm:PutComplianceItems",
    ],
    resources: [instances, document, arnOf(context, "ssm", "association/*")],
  });
  // AWS allows no resources for these actions.
  role.allow({ actions: ["ssm:ListAssociations", "ssm:PutInventory"], resources: ["*"] });
}
