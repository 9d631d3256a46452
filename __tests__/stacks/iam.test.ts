import { describe, expect, it } from "vitest";
import { minimal, resources, rightsOf, type Synthesized, statements, synthesize } from "./synth.ts";

const account = "${data.aws_caller_identity.account.account_id}";
const arn = "arn:${data.aws_partition.partition.partition}";
const full = {
  ...minimal,
  compute: { image: "123456789012.dkr.ecr.us-west-2.amazonaws.com/agents/tfc:1.0" },
  consumerRoles: [
    { name: "dev", managedPolicyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"], externalId: "acme-runs" },
    { name: "prod", sessionTags: true },
  ],
  iam: { permissionsBoundaryArn: "arn:aws:iam::123456789012:policy/ci-boundary", path: "/ci/" },
};

describe("rights", () => {
  it("defect 10: the loop may do exactly this", () => {
    const inCluster = { ArnEquals: { "ecs:cluster": expect.stringMatching(/aws_ecs_cluster\.\w+\.arn/) } };
    const tasks = [`${arn}:ecs:us-west-2:${account}:task/ci/*`];
    // Another fleet may name this fleet's own cluster in `compute.cluster`.
    const own = { "aws:ResourceTag/Fleet": "ci" };
    expect(rightsOf(synthesize(minimal), "autoscale").slice(1)).toEqual([
      {
        Effect: "Allow",
        Action: ["ecs:RunTask"],
        Resource: [`${arn}:ecs:us-west-2:${account}:task-definition/ci:*`],
        Condition: inCluster,
      },
      {
        Effect: "Allow",
        Action: ["ecs:DescribeTasks", "ecs:StopTask"],
        Resource: tasks,
        Condition: { ...inCluster, StringEquals: own },
      },
      {
        Effect: "Allow",
        Action: ["ecs:TagResource"],
        Resource: tasks,
        Condition: { StringEquals: { "ecs:CreateAction": "RunTask" } },
      },
      {
        Effect: "Allow",
        Action: ["ecs:TagResource"],
        Resource: tasks,
        Condition: {
          StringEquals: { "aws:RequestTag/AgentFleetsRegistered": "true", ...own },
          "ForAllValues:StringEquals": { "aws:TagKeys": ["AgentFleetsRegistered"] },
        },
      },
      { Effect: "Allow", Action: ["ecs:ListTasks"], Resource: ["*"], Condition: inCluster },
      {
        Effect: "Allow",
        Action: ["iam:PassRole"],
        Resource: [expect.stringContaining("capacity_execution"), expect.stringContaining("capacity_task")],
        Condition: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } },
      },
      {
        Effect: "Allow",
        Action: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
        Resource: [expect.stringMatching(/^\$\{aws_dynamodb_table\.state_table_\w+\.arn\}$/)],
      },
      {
        Effect: "Allow",
        Action: ["dynamodb:Query"],
        Resource: [expect.stringMatching(/^\$\{aws_dynamodb_table\.settings_table_\w+\.arn\}$/)],
      },
      {
        Effect: "Allow",
        Action: ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        Resource: [expect.stringMatching(/^\$\{aws_sqs_queue\.next-looks_queue_\w+\.arn\}$/)],
      },
      {
        Effect: "Allow",
        Action: ["secretsmanager:GetSecretValue"],
        Resource: [expect.stringContaining("secret-apiToken")],
      },
    ]);
  });

  it.each<[string, object]>([
    ["by name", { cluster: { name: "shared" } }],
    ["of a stack, on its hosts", { capacityProvider: { stack: "shared" } }],
    ["by name, on its hosts", { cluster: { name: "shared" }, capacityProvider: { name: "gpu" } }],
  ])("on a cluster that others use, %s, a fleet may touch its own tasks only", (_, compute) => {
    const tag = { "aws:ResourceTag/Fleet": "ci" };
    const inCluster = { ArnEquals: { "ecs:cluster": expect.stringMatching(/data\.aws_ecs_cluster\.\w+\.arn/) } };
    const network = { vpcId: "vpc-0123456789abcdef0", subnetIds: ["subnet-0123456789abcdef0"] };
    const vendor = { type: "azure-devops", organization: "acme", poolName: "aws" };
    const workflows = synthesize({ kind: "ecs-fleet", region: "us-west-2", vendor, network, compute });
    const fleets = [synthesize({ ...minimal, network, compute }), workflows];
    for (const stack of fleets) {
      const all = Object.keys(stack.resource.aws_iam_role_policy ?? {}).flatMap((id) => rightsOf(stack, id));
      const on = (action: string) => all.filter(({ Action }) => (Action as string[]).includes(action));
      for (const statement of [...on("ecs:StopTask"), ...on("ecs:DescribeTasks")]) {
        expect(statement.Condition).toEqual({ ...inCluster, StringEquals: tag });
      }
      for (const statement of on("ecs:TagResource")) {
        const { StringEquals: equal } = statement.Condition as { StringEquals: Record<string, string> };
        expect(equal["ecs:CreateAction"] ?? equal["aws:ResourceTag/Fleet"]).toMatch(/^(RunTask|ci)$/);
      }
      expect(on("ecs:StopTask").length).toBeGreaterThan(0);
      expect(stack.provider.aws).toMatchObject([{ default_tags: [{ tags: { Fleet: "ci" } }] }]);
    }
    expect(rightsOf(workflows, "retire-workflow").at(-1)).toMatchObject({
      Action: ["ecs:DescribeTasks", "ecs:StopTask"],
      Condition: { StringEquals: tag },
    });
  });

  it("the webhook may read its key and wake the loop, and nothing else", () => {
    expect(rightsOf(synthesize(minimal), "webhook").slice(1)).toEqual([
      {
        Effect: "Allow",
        Action: ["secretsmanager:GetSecretValue"],
        Resource: [expect.stringContaining("secret-notificationToken")],
      },
      {
        Effect: "Allow",
        Action: ["lambda:InvokeFunction"],
        Resource: [expect.stringMatching(/aws_lambda_function\.autoscale\w+\.arn/)],
      },
    ]);
  });

  it("with notifications alone the loop reads the ledger and the webhook writes it", () => {
    const stack = synthesize({ ...minimal, vendor: { ...minimal.vendor, demand: "notifications" } });
    const table = [expect.stringMatching(/aws_dynamodb_table\.ledger\w+\.arn/)];
    expect(rightsOf(stack, "autoscale")).toContainEqual({
      Effect: "Allow",
      Action: ["dynamodb:Scan"],
      Resource: table,
    });
    expect(rightsOf(stack, "webhook")).toContainEqual({
      Effect: "Allow",
      Action: ["dynamodb:PutItem"],
      Resource: table,
    });
    expect(JSON.stringify(rightsOf(stack, "autoscale"))).not.toContain("secretsmanager");
  });

  it("each function writes its own log group only", () => {
    const stack = synthesize(minimal);
    for (const name of ["autoscale", "webhook"]) {
      expect(rightsOf(stack, name)[0]).toEqual({
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: [expect.stringMatching(new RegExp(`aws_cloudwatch_log_group\\.${name}\\w+\\.arn}:\\*`))],
      });
    }
  });

  it("a private image adds rights on its repository alone", () => {
    const rights = rightsOf(synthesize(full), "capacity_execution");
    expect(rights).toContainEqual({
      Effect: "Allow",
      Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchImportUpstreamImage"],
      Resource: [`${arn}:ecr:us-west-2:123456789012:repository/agents/tfc`],
    });
    expect(JSON.stringify(rightsOf(synthesize(minimal), "capacity_execution"))).not.toContain("ecr:");
  });

  it("defect 10: no wildcard stands where AWS lets a resource be named, and no managed policy of AWS's is used", () => {
    const unnameable = new Set(["ecs:ListTasks", "ecr:GetAuthorizationToken"]);
    const stack = synthesize({ ...full, consumerRoles: [] });
    for (const policy of resources(stack, "aws_iam_role_policy")) {
      for (const { Action, Resource } of statements(policy.policy)) {
        const actions = [Action].flat();
        expect(actions.filter((action) => action.includes("*"))).toEqual([]);
        if ([Resource].flat().includes("*")) expect(actions.filter((action) => !unnameable.has(action))).toEqual([]);
      }
    }
    expect(resources(stack, "aws_iam_role_policy_attachment")).toEqual([]);
  });

  it("a secret with a key of its own adds the right to use that key, to those who read the secret", () => {
    const key = (id: string) => `arn:aws:kms:us-west-2:123456789012:key/${id}`;
    const secret = (id: string) => ({
      arn: `arn:aws:secretsmanager:us-west-2:123456789012:secret:${id}-AbCdEf`,
      kmsKeyArn: key(id),
    });
    const stack = synthesize({
      ...minimal,
      kmsKeyArn: key("stack"),
      secrets: { agentToken: secret("agent"), apiToken: secret("api"), notificationToken: secret("hook") },
    });
    const decryptedBy = (role: string) =>
      rightsOf(stack, role)
        .filter(({ Action }) => Action.includes("kms:Decrypt"))
        .flatMap(({ Resource }) => Resource);
    // A function's own variables are encrypted with the stack's key.
    expect(decryptedBy("autoscale")).toEqual([key("stack"), key("api")]);
    expect(decryptedBy("webhook")).toEqual([key("stack"), key("hook")]);
    expect(decryptedBy("capacity_execution")).toEqual([key("agent")]);
  });

  it("a parameter is read by the one action that its reader uses, and its history by the webhook alone", () => {
    const parameter = (id: string) => ({ arn: `arn:aws:ssm:us-west-2:123456789012:parameter/ci/${id}` });
    const secrets = {
      agentToken: parameter("agent"),
      apiToken: parameter("api"),
      notificationToken: parameter("hook"),
    };
    const instances = synthesize({
      kind: "ec2-fleet",
      region: "us-west-2",
      vendor: { type: "semaphore", organization: "acme" },
      secrets: { agentTypeToken: parameter("type") },
    });
    const actionsOf = (stack: Synthesized, role: string) =>
      rightsOf(stack, role)
        .flatMap(({ Action }) => Action)
        .filter((action) => action.startsWith("ssm:GetParameter"));
    const containers = synthesize({ ...minimal, secrets });
    expect(actionsOf(containers, "capacity_execution")).toEqual(["ssm:GetParameters"]);
    expect(actionsOf(containers, "autoscale")).toEqual(["ssm:GetParameter"]);
    expect(actionsOf(containers, "webhook")).toEqual(["ssm:GetParameter", "ssm:GetParameterHistory"]);
    for (const role of ["autoscale", "retirement_retire_retire-role", "role_instance"]) {
      expect(actionsOf(instances, role), role).toEqual(["ssm:GetParameter"]);
    }
  });

  it("a customer managed key adds the right to use that key", () => {
    const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
    const stack = synthesize({ ...minimal, kmsKeyArn });
    for (const role of ["autoscale", "webhook", "capacity_execution"]) {
      expect(rightsOf(stack, role)).toContainEqual({ Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] });
    }
  });
});

describe("trust", () => {
  it("defect 10: consumer roles trust this fleet's task role, never every ECS task", () => {
    const stack = synthesize(full);
    const roles = stack.resource.aws_iam_role ?? {};
    const trustOf = (part: string) =>
      statements(Object.entries(roles).find(([id]) => id.includes(part))?.[1].assume_role_policy);
    const taskRole = { AWS: expect.stringMatching(/^\$\{aws_iam_role\.capacity_task_role\w+\.arn\}$/) };
    expect(trustOf("consumer_dev")).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: taskRole,
        Condition: { StringEquals: { "sts:ExternalId": "acme-runs" } },
      },
    ]);
    expect(trustOf("consumer_prod")).toEqual([
      { Effect: "Allow", Action: "sts:AssumeRole", Principal: taskRole },
      { Effect: "Allow", Action: "sts:TagSession", Principal: taskRole },
    ]);
    expect(rightsOf(stack, "capacity_task")).toEqual([
      { Effect: "Allow", Action: ["sts:AssumeRole"], Resource: [expect.stringContaining("consumer_dev")] },
      {
        Effect: "Allow",
        Action: ["sts:AssumeRole", "sts:TagSession"],
        Resource: [expect.stringContaining("consumer_prod")],
      },
    ]);
    expect(stack.output?.terraform_dev_role?.value).toContain("consumer_dev");
  });

  it("task roles are assumed by ECS for this account alone", () => {
    const roles = Object.entries(synthesize(minimal).resource.aws_iam_role ?? {});
    for (const [, role] of roles.filter(([id]) => id.startsWith("capacity_"))) {
      expect(statements(role.assume_role_policy)).toEqual([
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { Service: "ecs-tasks.amazonaws.com" },
          Condition: { StringEquals: { "aws:SourceAccount": account } },
        },
      ]);
    }
  });

  it("the permission boundary and path are on every role", () => {
    const roles = resources(synthesize(full), "aws_iam_role");
    expect(roles).toHaveLength(6);
    for (const role of roles) {
      expect(role).toMatchObject({ permissions_boundary: full.iam.permissionsBoundaryArn, path: "/ci/" });
    }
  });

  it("agents without consumer roles have no rights at all", () => {
    const policies = Object.keys(synthesize(minimal).resource.aws_iam_role_policy ?? {});
    expect(policies.filter((id) => id.startsWith("capacity_task"))).toEqual([]);
  });
});
