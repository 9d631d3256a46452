import { secretParts, serviceOf } from "../../../handlers/lib/core/arn.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/** Lets a task open the channels of ECS Exec. */
export function allowExecuteCommand(role: ServiceRole): void {
  role.allow({
    actions: [
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ],
    // AWS allows no resources for these actions.
    resources: ["*"],
  });
}

/** Lets a role pull an image from ECR. Images of public registries need no rights. */
export function allowImagePull(role: ServiceRole, image: string, context: StackContext): void {
  const match = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)/.exec(image);
  if (!match) return;
  const [, account, region, repository] = match;
  role.allow({
    actions: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    resources: [`arn:${context.partition}:ecr:${region}:${account}:repository/${repository}`],
  });
  // AWS allows no resources for GetAuthorizationToken.
  role.allow({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] });
}

/** Lets a role read a secret. A reference may name one key of a secret's JSON; the right is on the whole secret. */
export function allowSecret(role: ServiceRole, reference: string): void {
  if (serviceOf(reference) === "ssm") role.allow({ actions: ["ssm:GetParameters"], resources: [reference] });
  else role.allow({ actions: ["secretsmanager:GetSecretValue"], resources: [secretParts(reference).arn] });
}
