import { describe, expect, it } from "vitest";
import { synthCluster } from "./ecs-cluster.ts";
import { resources, rightsOf, type Synthesized, statements, theOnly } from "./synth.ts";

const account = "${data.aws_caller_identity.account.account_id}";
const arn = "arn:${data.aws_partition.partition.partition}";
const services = [{ name: "web", image: "nginx:1.29.0" }];
const github = [
  { repository: "acme/web", environment: "production" },
  { repository: "acme/api", branch: "main" },
];
const hcpTerraform = [{ organization: "acme", project: "web", workspace: "deploy", phases: ["plan", "apply"] }];

const withDeployer = (deployer: object, more: object = {}) => synthCluster({ services, deployer, ...more });

function roleOf(stack: Synthesized) {
  const role = Object.entries(stack.resource.aws_iam_role ?? {}).find(([id]) => id.startsWith("deployer"))?.[1];
  return { role, trust: statements(role?.assume_role_policy) };
}

describe("defect 5: the deployer", () => {
  it("is a role without a key, for exactly these branches, environments and workspaces", () => {
    const stack = withDeployer({ github, hcpTerraform });
    expect(stack.resource).not.toHaveProperty("aws_iam_user");
    expect(stack.resource).not.toHaveProperty("aws_iam_access_key");
    expect(roleOf(stack).trust).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: { Federated: `${arn}:iam::${account}:oidc-provider/token.actions.githubusercontent.com` },
        Condition: {
          StringEquals: {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
              "repo:acme/web:environment:production",
              "repo:acme/api:ref:refs/heads/main",
            ],
          },
        },
      },
      {
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: { Federated: `${arn}:iam::${account}:oidc-provider/app.terraform.io` },
        Condition: {
          StringEquals: {
            "app.terraform.io:aud": "aws.workload.identity",
            "app.terraform.io:sub": [
              "organization:acme:project:web:workspace:deploy:run_phase:plan",
              "organization:acme:project:web:workspace:deploy:run_phase:apply",
            ],
          },
        },
      },
    ]);
  });

  it("may register, update and watch these services, and pass their roles", () => {
    expect(rightsOf(withDeployer({ github }), "deployer_policy")).toEqual([
      {
        Effect: "Allow",
        Action: ["ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"],
        Resource: ["*"],
      },
      {
        Effect: "Allow",
        Action: ["ecs:UpdateService", "ecs:DescribeServices"],
        Resource: [`${arn}:ecs:us-west-2:${account}:service/apps/web`],
      },
      {
        Effect: "Allow",
        Action: ["ecs:ListTasks"],
        Resource: ["*"],
        Condition: { ArnEquals: { "ecs:cluster": expect.stringMatching(/aws_ecs_cluster\..+\.arn/) } },
      },
      { Effect: "Allow", Action: ["ecs:DescribeTasks"], Resource: [`${arn}:ecs:us-west-2:${account}:task/apps/*`] },
      {
        Effect: "Allow",
        Action: ["ecs:TagResource"],
        Resource: [`${arn}:ecs:us-west-2:${account}:task-definition/apps-web:*`],
        Condition: { StringEquals: { "ecs:CreateAction": "RegisterTaskDefinition" } },
      },
      {
        Effect: "Allow",
        Action: ["iam:PassRole"],
        Resource: [expect.stringContaining("web-exec"), expect.stringContaining("web-task")],
        Condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      },
    ]);
  });

  it("is under the boundary", () => {
    const permissionsBoundaryArn = "arn:aws:iam::123456789012:policy/boundary";
    const { role } = roleOf(withDeployer({ github }, { iam: { permissionsBoundaryArn, path: "/ci/" } }));
    expect(role).toMatchObject({ permissions_boundary: permissionsBoundaryArn, path: "/ci/" });
  });

  it("makes the account's OIDC providers only where asked", () => {
    expect(resources(withDeployer({ github }), "aws_iam_openid_connect_provider")).toEqual([]);
    expect(theOnly(withDeployer({ github, createProviders: true }), "aws_iam_openid_connect_provider")).toMatchObject({
      url: "https://token.actions.githubusercontent.com",
      client_id_list: ["sts.amazonaws.com"],
    });
  });
});
