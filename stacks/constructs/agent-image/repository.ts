import { Construct } from "constructs";
import { EcrLifecyclePolicy } from "#provider-aws/ecr-lifecycle-policy";
import { EcrRepository } from "#provider-aws/ecr-repository";
import { acceptFindings, withoutKey } from "../accepted-findings.ts";
import type { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";

/**
 * The images of a stack's agents in two repositories. One holds all versions, and its tags never change. The other has
 * a single tag, for the version that new agents run (docs/adr/0007-agent-image.md).
 */
export class ImageRepository extends Construct {
  /** Repository of all versions, without a tag. */
  readonly versions: string;
  /** The image of new agents: repository and tag. */
  readonly current: string;
  private readonly arns: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      /** How many versions are kept. */
      readonly keep: number;
      /** How long an untagged image is kept. */
      readonly keepReplacedDays: number;
      /** Whether destroying the stack deletes the images too. */
      readonly forceDelete: boolean;
    },
  ) {
    super(scope, id);
    const { context, keep, keepReplacedDays, forceDelete } = props;
    const repository = (name: string, mutable: boolean) => {
      const made = new EcrRepository(this, name, {
        name: repositoryName(context.name, name),
        imageTagMutability: mutable ? "MUTABLE" : "IMMUTABLE",
        imageScanningConfiguration: { scanOnPush: true },
        encryptionConfiguration: [
          context.kmsKeyArn ? { encryptionType: "KMS", kmsKey: context.kmsKeyArn } : { encryptionType: "AES256" },
        ],
        forceDelete,
      });
      acceptFindings(made, {
        CKV_AWS_51:
          mutable && "Its one tag moves to the version that new agents run. The other repository's tags never change.",
        CKV_AWS_136: !context.kmsKeyArn && withoutKey,
      });
      const replaced = expiry(1, `Replaced ${keepReplacedDays} days ago`, {
        tagStatus: "untagged",
        countType: "sinceImagePushed",
        countUnit: "days",
        countNumber: keepReplacedDays,
      });
      const outnumbered = expiry(2, `The last ${keep} are kept`, {
        tagStatus: "any",
        countType: "imageCountMoreThan",
        countNumber: keep,
      });
      new EcrLifecyclePolicy(this, `${name}-expiry`, {
        repository: made.name,
        policy: JSON.stringify({ rules: mutable ? [replaced] : [replaced, outnumbered] }),
      });
      return made;
    };
    const versions = repository("versions", false);
    const current = repository("current", true);
    this.versions = versions.repositoryUrl;
    this.current = `${current.repositoryUrl}:agent`;
    this.arns = [versions.arn, current.arn];
  }

  /** Lets a role pull every image. */
  grantPull(role: ServiceRole): void {
    this.grant(role, ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]);
  }

  /** Lets a role read when images were pushed. */
  grantDate(role: ServiceRole): void {
    role.allow({ actions: ["ecr:DescribeImages"], resources: this.arns });
  }

  /** Lets a role add versions, and choose the one that new agents run. */
  grantPush(role: ServiceRole): void {
    this.grant(role, [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]);
  }

  private grant(role: ServiceRole, actions: readonly string[]): void {
    role.allow({ actions, resources: this.arns });
    // AWS allows no resources for GetAuthorizationToken.
    role.allow({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] });
  }
}

/** A stack's name may have two hyphens in a row; ECR allows none. */
function repositoryName(stack: string, name: string): string {
  return `agent-fleets/${stack.replaceAll(/-{2,}/g, ({ length }) => `-${length}-`)}/${name}`;
}

/** A rule of a lifecycle policy. A rule with a lower priority number applies earlier. */
function expiry(rulePriority: number, description: string, selection: object) {
  return { rulePriority, description, selection, action: { type: "expire" } };
}
