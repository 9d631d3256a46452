import { IamOpenidConnectProvider } from "@cdktf/provider-aws/lib/iam-openid-connect-provider";
import { IamRole } from "@cdktf/provider-aws/lib/iam-role";
import { IamRolePolicy } from "@cdktf/provider-aws/lib/iam-role-policy";
import { Construct } from "constructs";
import type { DeployerConfig } from "../../config/cluster/deployer.ts";
import { policyDocument } from "../service-role.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import type { HostCluster } from "./cluster.ts";
import type { ClusterService } from "./service.ts";

/** The subjects that the role trusts, of one issuer of tokens. */
interface Trust {
  readonly issuer: string;
  readonly audience: string;
  readonly subjects: readonly string[];
}

/**
 * The role of pipelines that deploy new versions of a cluster's services. It may register task definitions, and update
 * and watch the services. Pipelines sign in by OIDC: there is no user and no key.
 */
export class DeployerRole extends Construct {
  readonly arn: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly config: DeployerConfig;
      readonly cluster: HostCluster;
      readonly services: readonly ClusterService[];
    },
  ) {
    super(scope, id);
    const { context, config } = props;
    const role = new IamRole(this, "role", {
      name: `${context.name}-deployer`,
      description: `Deploys the services of cluster ${context.name}`,
      path: context.iamPath,
      permissionsBoundary: context.permissionsBoundaryArn,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: trustsOf(config).map((trust) => ({
          Effect: "Allow",
          Action: "sts:AssumeRoleWithWebIdentity",
          Principal: { Federated: this.provider(trust) },
          Condition: {
            StringEquals: {
              [`${trust.issuer}:aud`]: trust.audience,
              [`${trust.issuer}:sub`]: trust.subjects,
            },
          },
        })),
      }),
    });
    this.arn = role.arn;
    new IamRolePolicy(this, "policy", { name: "rights", role: role.name, policy: this.rights() });
  }

  private provider({ issuer, audience }: Trust): string {
    const { context, config } = this.props;
    if (!config.createProviders) return `arn:${context.partition}:iam::${context.accountId}:oidc-provider/${issuer}`;
    return new IamOpenidConnectProvider(this, `provider-${issuer}`, {
      url: `https://${issuer}`,
      clientIdList: [audience],
    }).arn;
  }

  private rights(): string {
    const { context, cluster, services } = this.props;
    const inCluster = { ArnEquals: { "ecs:cluster": cluster.arn } };
    return policyDocument([
      {
        actions: ["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"],
        // AWS allows no resources for these actions. The roles that may be passed limit a new task definition's rights.
        resources: ["*"],
      },
      {
        actions: ["ecs:UpdateService", "ecs:DescribeServices"],
        resources: services.map(({ name }) => cluster.serviceArnPrefix + name),
      },
      { actions: ["ecs:ListTasks"], resources: ["*"], condition: inCluster },
      { actions: ["ecs:DescribeTasks"], resources: [arnOf(context, "ecs", `task/${cluster.name}/*`)] },
      {
        actions: ["ecs:TagResource"],
        resources: services.map(({ task }) => arnOf(context, "ecs", `task-definition/${task.family}:*`)),
        condition: { StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" } },
      },
      {
        actions: ["iam:PassRole"],
        resources: services.flatMap(({ task }) => [task.executionRole.arn, task.taskRole.arn]),
        condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      },
    ]);
  }
}

function trustsOf({ github, hcpTerraform }: DeployerConfig): Trust[] {
  const hosts = [...new Set(hcpTerraform.map(({ hostname }) => hostname))];
  return [
    ...(github.length === 0
      ? []
      : [
          {
            issuer: "token.actions.githubusercontent.com",
            audience: "sts.amazonaws.com",
            subjects: github.map(({ repository, branch, environment }) =>
              environment === undefined
                ? `repo:${repository}:ref:refs/heads/${branch}`
                : `repo:${repository}:environment:${environment}`,
            ),
          },
        ]),
    ...hosts.map((issuer) => ({
      issuer,
      audience: "aws.workload.identity",
      subjects: hcpTerraform
        .filter(({ hostname }) => hostname === issuer)
        .flatMap(({ organization, project, workspace, phases }) =>
          phases.map(
            (phase) => `organization:${organization}:project:${project}:workspace:${workspace}:run_phase:${phase}`,
          ),
        ),
    })),
  ];
}
