import { Construct } from "constructs";
import { IamInstanceProfile } from "#provider-aws/iam-instance-profile";
import { IamRolePolicyAttachment } from "#provider-aws/iam-role-policy-attachment";
import { ImagebuilderDistributionConfiguration } from "#provider-aws/imagebuilder-distribution-configuration";
import { ImagebuilderImagePipeline } from "#provider-aws/imagebuilder-image-pipeline";
import { ImagebuilderInfrastructureConfiguration } from "#provider-aws/imagebuilder-infrastructure-configuration";
import { ImagebuilderLifecyclePolicy } from "#provider-aws/imagebuilder-lifecycle-policy";
import { imageLogGroup, type MachineImageConfig } from "../../config/machine-image.ts";
import { acceptFindings } from "../accepted-findings.ts";
import { iamName, keepName } from "../global-name.ts";
import { allowInventory, allowSystemsManager } from "../instances/systems-manager.ts";
import { createLogGroup } from "../log-group.ts";
import { ServiceRole } from "../service-role.ts";
import type { StackContext } from "../stack-context.ts";
import { imageBuildPlace } from "./network.ts";
import type { ImageRecipe } from "./recipe.ts";

const instanceTypes = { x86_64: "m6i.large", arm64: "m6g.large" } as const;

/** How long an AMI is kept after the last launch from it: a fleet may use it although nobody deploys the fleet. */
const keptAfterLaunchDays = 90;

interface Props {
  readonly context: StackContext;
  readonly config: MachineImageConfig;
  readonly recipe: ImageRecipe;
  readonly amiName: string;
  readonly amiTags: Readonly<Record<string, string>>;
  /** For resources that do not get the provider's default tags. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Builds a recipe's AMIs on a separate instance, tests them, and deletes old ones. */
export class ImagePipeline extends Construct {
  readonly arn: string;
  readonly logGroupName: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: Props,
  ) {
    super(scope, id);
    const { context, config, recipe, amiName, amiTags } = props;
    const { name } = context;
    // Image Builder writes to these groups. It would make them itself, without retention and without a key.
    const logs = createLogGroup(this, "logs", context, imageLogGroup(recipe.name));
    const pipelineLogs = createLogGroup(this, "pipeline-logs", context, `/aws/imagebuilder/pipeline/${name}`);
    this.logGroupName = logs.name;
    const distribution = new ImagebuilderDistributionConfiguration(this, "distribution", {
      name,
      distribution: [
        { region: config.region, amiDistributionConfiguration: { name: amiName, amiTags: { ...amiTags } } },
      ],
    });
    acceptFindings(distribution, {
      CKV_AWS_199: "The AMI stays in its region, where the recipe's disk has the stack's key.",
    });
    this.arn = new ImagebuilderImagePipeline(this, "pipeline", {
      name,
      description: `AMIs of ${name}`,
      imageRecipeArn: recipe.arn,
      infrastructureConfigurationArn: this.infrastructure(),
      distributionConfigurationArn: distribution.arn,
      imageTestsConfiguration: { imageTestsEnabled: true, timeoutMinutes: 60 },
      schedule:
        config.schedule === "never"
          ? undefined
          : {
              scheduleExpression: config.schedule,
              // A given AMI has no versions for Image Builder to compare.
              pipelineExecutionStartCondition: recipe.followsBase
                ? "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"
                : "EXPRESSION_MATCH_ONLY",
            },
      dependsOn: [logs, pipelineLogs],
    }).arn;
    this.deleteOld();
  }

  private infrastructure(): string {
    const { context, config, tags } = this.props;
    const { name } = context;
    const role = new ServiceRole(this, "image-build", {
      context,
      service: "ec2.amazonaws.com",
      description: `Instances that build the AMIs of ${name}`,
    });
    // One of the two policies that Image Builder documents, and of the other one's rights those that a build needs.
    const policy = "EC2InstanceProfileForImageBuilder";
    const rights = new IamRolePolicyAttachment(this, policy, {
      role: role.name,
      policyArn: `arn:${context.partition}:iam::aws:policy/${policy}`,
    });
    allowSystemsManager(role, context);
    allowInventory(role, context);
    const profile = new IamInstanceProfile(this, "profile", {
      name: iamName(context, "image-build"),
      lifecycle: keepName(),
      role: role.name,
      path: context.iamPath,
    });
    return new ImagebuilderInfrastructureConfiguration(this, "infrastructure", {
      name,
      instanceProfileName: profile.name,
      instanceTypes: [config.instanceType ?? instanceTypes[config.architecture]],
      instanceMetadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
      terminateInstanceOnFailure: true,
      ...(config.network && imageBuildPlace(this, config.network, context)),
      resourceTags: { ...tags },
      dependsOn: [rights, ...role.ready],
    }).arn;
  }

  private deleteOld(): void {
    const { context, config, recipe } = this.props;
    const { name } = context;
    const role = new ServiceRole(this, "image-lifecycle", {
      context,
      service: "imagebuilder.amazonaws.com",
      description: `Deletes old AMIs of ${name}`,
    });
    const policy = "EC2ImageBuilderLifecycleExecutionPolicy";
    const rights = new IamRolePolicyAttachment(this, policy, {
      role: role.name,
      policyArn: `arn:${context.partition}:iam::aws:policy/service-role/${policy}`,
    });
    new ImagebuilderLifecyclePolicy(this, "lifecycle", {
      name,
      description: `Keeps the last ${config.keep} AMIs`,
      executionRole: role.arn,
      resourceType: "AMI_IMAGE",
      policyDetail: [
        {
          // The provider requires every value that AWS returns.
          action: [{ type: "DELETE", includeResources: [{ amis: true, snapshots: true, containers: false }] }],
          filter: [{ type: "COUNT", value: config.keep }],
          exclusionRules: [
            { amis: [{ isPublic: false, lastLaunched: [{ unit: "DAYS", value: keptAfterLaunchDays }] }] },
          ],
        },
      ],
      resourceSelection: [{ recipe: [{ name: recipe.name, semanticVersion: recipe.version }] }],
      dependsOn: [rights, recipe.ready],
    });
  }
}
