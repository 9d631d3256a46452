import { secretParts, serviceOf } from "../../../handlers/lib/core/arn.ts";
import { ecrImageOf } from "../../../handlers/lib/core/ecr-image.ts";
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

/**
 * Lets a role pull an image from ECR, through a pull-through cache too. Images of other registries need no rights.
 *
 * @param createCacheRepository whether the first pull through a cache may make the repository
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
 */
export function allowImagePull(
  role: ServiceRole,
  image: string,
  context: StackContext,
  { createCacheRepository }: { readonly createCacheRepository: boolean },
): void {
  const found = ecrImageOf(image);
  if (!found) return;
  role.allow({
    actions: [
      "ecr:BatchGetImage",
      "ecr:GetDownloadUrlForLayer",
      // Nobody sees in an image's name whether its repository is a cache. In any other one this right does nothing.
      "ecr:BatchImportUpstreamImage",
      ...(createCacheRepository ? ["ecr:CreateRepository"] : []),
    ],
    resources: [`arn:${context.partition}:ecr:${found.region}:${found.account}:repository/${found.repository}`],
  });
  // AWS allows no resources for GetAuthorizationToken.
  role.allow({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] });
}

/**
 * Lets a role read when an image was pushed. `undefined`: it is not in ECR of the stack's region, where the loop asks.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
 */
export function imageDateGrant(
  image: string,
  { partition, region }: StackContext,
): ((role: ServiceRole) => void) | undefined {
  const found = ecrImageOf(image);
  if (found?.region !== region) return undefined;
  const arn = `arn:${partition}:ecr:${region}:${found.account}:repository/${found.repository}`;
  return (role) => role.allow({ actions: ["ecr:DescribeImages"], resources: [arn] });
}

/** Lets a role read a secret. A reference may name one key of a secret's JSON; the right is on the whole secret. */
export function allowSecret(role: ServiceRole, reference: string): void {
  if (serviceOf(reference) === "ssm") role.allow({ actions: ["ssm:GetParameters"], resources: [reference] });
  else role.allow({ actions: ["secretsmanager:GetSecretValue"], resources: [secretParts(reference).arn] });
}
