import { Construct } from "constructs";
import { IamOpenidConnectProvider } from "#provider-aws/iam-openid-connect-provider";
import { IamRole } from "#provider-aws/iam-role";
import { IamRolePolicy } from "#provider-aws/iam-role-policy";
import type { DeployerConfig } from "../../config/cluster/deployer.ts";
import { iamName, keepName } from "../global-name.ts";
import { arnOf, type StackContext } from "../stack-context.ts";
import { policyDocument } from "../statement.ts";
import type { HostCluster } from "./cluster.ts";
import type { ClusterService } from "./service.ts";

/** The subjects that the role trusts, of one issuer of tokens. */
interface Trust {
  readonly issuer: string;
  readonly audience: string;
  readonly subjects: readonly string[];
}

/**
 * One role for each service, for the pipelines that deploy its new versions. A role may register task definitions of its
 * service's family, and update and watch that service. Pipelines sign in by OIDC: there is no user and no key.
 */
export class DeployerRoles extends Construct {
  /** ARNs of the roles, by the name of the service. A service that no pipeline deploys has none. */
  readonly arns: Readonly<Record<string, string>>;
  /** ARNs of the OIDC providers, by issuer. */
  private readonly providers: ReadonlyMap<string, string>;

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
    const { config, services } = props;
    this.providers = new Map(trustsOf(config).map((trust) => [trust.issuer, this.provider(trust)]));
    this.arns = Object.fromEntries(
      services.flatMap((service) => {
        const trusts = trustsOf(config, service.name);
        return trusts.length === 0 ? [] : [[service.name, this.role(service, trusts)]];
      }),
    );
  }

  private role(service: ClusterService, trusts: readonly Trust[]): string {
    const { context } = this.props;
    const role = new IamRole(this, `role-${service.name}`, {
      name: iamName(context, `${service.name}-cicd`),
      lifecycle: keepName(),
      description: `Deploys service ${service.name} of cluster ${context.name}`,
      path: context.iamPath,
      permissionsBoundary: context.permissionsBoundaryArn,
      assumeRolePolicy: JSON.stringify({
        Version: "2012-10-17",
        Statement: trusts.map(({ issuer, audience, subjects }) => ({
          Effect: "Allow",
          Action: "sts:AssumeRoleWithWebIdentity",
          Principal: { Federated: this.providers.get(issuer) },
          Condition: { StringEquals: { [`${issuer}:aud`]: audience, [`${issuer}:sub`]: subjects } },
        })),
      }),
    });
    new IamRolePolicy(this, `policy-${service.name}`, {
      name: "rights",
      role: role.name,
      policy: this.rights(service),
    });
    return role.arn;
  }

  private provider({ issuer, audience }: Trust): string {
    const { context, config } = this.props;
    if (!config.createProviders) return `arn:${context.partition}:iam::${context.accountId}:oidc-provider/${issuer}`;
    return new IamOpenidConnectProvider(this, `provider-${issuer}`, {
      url: `https://${issuer}`,
      clientIdList: [audience],
    }).arn;
  }

  /**
   * IAM has no key for folders of the host, nor for the capabilities of a container: docs/ecs-cluster.md says what a
   * deployer can still reach.
   *
   * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
   */
  private rights({ name, task }: ClusterService): string {
    const { context, cluster } = this.props;
    const family = arnOf(context, "ecs", `task-definition/${task.family}:*`);
    return policyDocument([
      {
        actions: ["ecs:RegisterTaskDefinition"],
        resources: [family],
        condition: { StringEqualsIfExists: { "ecs:privileged": "false" } },
      },
      // AWS allows no resources for these actions.
      { actions: ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], resources: ["*"] },
      { actions: ["ecs:DescribeServices"], resources: [cluster.serviceArnPrefix + name] },
      {
        actions: ["ecs:UpdateService"],
        resources: [cluster.serviceArnPrefix + name],
        condition: { ArnLikeIfExists: { "ecs:task-definition": family } },
      },
      { actions: ["ecs:ListTasks"], resources: ["*"], condition: { ArnEquals: { "ecs:cluster": cluster.arn } } },
      { actions: ["ecs:DescribeTasks"], resources: [arnOf(context, "ecs", `task/${cluster.name}/*`)] },
      {
        actions: ["ecs:TagResource"],
        resources: [family],
        condition: { StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" } },
      },
      {
        actions: ["iam:PassRole"],
        resources: [task.executionRole.arn, task.taskRole.arn],
        condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      },
    ]);
  }
}

/** @param service only the pipelines that deploy this service */
function trustsOf(config: DeployerConfig, service?: string): Trust[] {
  const deploys = ({ services }: { readonly services?: readonly string[] | undefined }) =>
    service === undefined || services === undefined || services.includes(service);
  const github = config.github.filter(deploys);
  const hcpTerraform = config.hcpTerraform.filter(deploys);
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
