import { describe, expect, it } from "vitest";
import { cluster, synthCluster } from "./ecs-cluster.ts";
import { resources, rightsOf, type Synthesized, statements, synthesize, theOnly } from "./synth.ts";

const account = "${data.aws_caller_identity.account.account_id}";
const arn = "arn:${data.aws_partition.partition.partition}";
const services = [{ name: "web", image: "nginx:1.29.0" }];
const github = [
  { repository: "acme/web", environment: "production" },
  { repository: "acme/api", branch: "main" },
];
const hcpTerraform = [{ organization: "acme", project: "web", workspace: "deploy", phases: ["plan", "apply"] }];

const withDeployer = (deployer: object, more: object = {}) => synthCluster({ services, deployer, ...more });

function deployersOf(stack: Synthesized) {
  const roles = Object.entries(stack.resource.aws_iam_role ?? {});
  return roles.filter(([id]) => id.startsWith("deployer")).map(([, role]) => role);
}

function roleOf(stack: Synthesized) {
  const [role] = deployersOf(stack);
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

  it("may register, update and watch its own service, and pass that one's roles", () => {
    const family = `${arn}:ecs:us-west-2:${account}:task-definition/apps-web:*`;
    const service = [`${arn}:ecs:us-west-2:${account}:service/apps/web`];
    expect(rightsOf(withDeployer({ github }), "deployer_policy")).toEqual([
      {
        Effect: "Allow",
        Action: ["ecs:RegisterTaskDefinition"],
        Resource: [family],
        Condition: { StringEqualsIfExists: { "ecs:privileged": "false" } },
      },
      { Effect: "Allow", Action: ["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], Resource: ["*"] },
      { Effect: "Allow", Action: ["ecs:DescribeServices"], Resource: service },
      {
        Effect: "Allow",
        Action: ["ecs:UpdateService"],
        Resource: service,
        Condition: { ArnLikeIfExists: { "ecs:task-definition": family } },
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
        Resource: [family],
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

  describe("of several services", () => {
    const three = ["web", "api", "cron"].map((name) => ({ name, image: "nginx:1.29.0" }));
    const web = { repository: "acme/web", environment: "production", services: ["web"] };
    const both = { repository: "acme/all", branch: "main", services: ["web", "api"] };
    const subjectsOf = (stack: Synthesized) =>
      Object.fromEntries(
        deployersOf(stack).map(({ name, assume_role_policy }) => [name, JSON.stringify(assume_role_policy)]),
      );

    it("is one role per service, for the pipelines of that service alone", () => {
      const stack = withDeployer({ github: [web, both] }, { services: three });
      const trusted = subjectsOf(stack);
      expect(Object.keys(trusted).sort()).toEqual(["apps-api-cicd-us-west-2", "apps-web-cicd-us-west-2"]);
      expect(trusted["apps-web-cicd-us-west-2"]).toMatch(/acme\/web.*acme\/all/);
      expect(trusted["apps-api-cicd-us-west-2"]).toContain("acme/all");
      expect(trusted["apps-api-cicd-us-west-2"]).not.toContain("acme/web");
      expect(Object.keys(stack.output?.ecs_deployer_roles?.value as object).sort()).toEqual(["api", "web"]);
    });

    it("holds nothing of another service", () => {
      const stack = withDeployer({ github }, { services: three });
      for (const { name } of three) {
        const rights = JSON.stringify(rightsOf(stack, `deployer_policy-${name}`));
        const others = three.filter((other) => other.name !== name);
        for (const other of others) expect(rights).not.toMatch(new RegExp(`\\b${other.name}\\b`));
      }
    });

    it("has names that IAM takes, however long those of stack and service are", () => {
      const services = [{ name: "s".repeat(18), image: "nginx:1.29.0" }];
      const stack = synthesize({ ...cluster, services, deployer: { github } }, "c".repeat(40));
      expect(deployersOf(stack).map(({ name }) => String(name).length)).toEqual([64]);
    });

    it("makes one OIDC provider for all of them", () => {
      const stack = withDeployer({ github, createProviders: true }, { services: three });
      expect(resources(stack, "aws_iam_openid_connect_provider")).toHaveLength(1);
    });
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
