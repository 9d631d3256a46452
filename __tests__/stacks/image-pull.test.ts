import { describe, expect, it } from "vitest";
import { resources, rightsOf, synthesize, theOnly } from "./synth.ts";

const registry = "arn:aws:secretsmanager:us-west-2:123456789012:secret:docker-hub-AbCdEf";
const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";
const arn = "arn:${data.aws_partition.partition.partition}:ecr";
const pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchImportUpstreamImage"];
const account = "123456789012";

const fleet = (compute: object, more: object = {}) =>
  synthesize({
    kind: "ecs-fleet",
    region: "us-west-2",
    vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws" },
    compute,
    ...more,
  });

const cluster = (service: object) =>
  synthesize({
    kind: "ecs-cluster",
    region: "us-west-2",
    network: { create: {} },
    services: [{ name: "web", ...service }],
  });

function containersOf(stack: ReturnType<typeof fleet>) {
  return JSON.parse(String(theOnly(stack, "aws_ecs_task_definition").container_definitions));
}

const pullsOf = (stack: ReturnType<typeof fleet>, role = "capacity_execution") =>
  rightsOf(stack, role).filter(({ Action }) => String(Action).startsWith("ecr:"));

describe("the right to pull an image", () => {
  it.each([
    [`${account}.dkr.ecr.eu-west-1.amazonaws.com`, "eu-west-1"],
    [`${account}.dkr.ecr-fips.us-gov-west-1.amazonaws.com`, "us-gov-west-1"],
    [`${account}.dkr-ecr.eu-west-1.on.aws`, "eu-west-1"],
    [`${account}.dkr-ecr-fips.us-east-2.on.aws`, "us-east-2"],
    [`${account}.dkr.ecr.cn-north-1.amazonaws.com.cn`, "cn-north-1"],
    [`${account}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn`, "cn-north-1"],
  ])("is on exactly its repository in %s, through a cache too", (host, region) => {
    const image = `${host}/docker-hub/hashicorp/tfc-agent:1.30.2`;
    const repository = `${arn}:${region}:${account}:repository/docker-hub/hashicorp/tfc-agent`;
    const expected = [
      { Effect: "Allow", Action: pull, Resource: [repository] },
      { Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
    ];
    expect(pullsOf(fleet({ image }))).toEqual(expected);
    for (const role of ["web-exec", "hosts_host"]) expect(pullsOf(cluster({ image }), role)).toEqual(expected);
  });

  it("makes the repository of a cache only if the config says so", () => {
    const image = `${account}.dkr.ecr.us-west-2.amazonaws.com/docker-hub/hashicorp/tfc-agent:1.30.2`;
    const sidecars = [{ name: "db", image: `${account}.dkr.ecr.us-west-2.amazonaws.com/docker-hub/db:17` }];
    const rights = pullsOf(fleet({ image, sidecars, createCacheRepository: true }));
    const made = rights.filter(({ Action }) => Action.includes("ecr:CreateRepository"));
    expect(made).toEqual([
      expect.objectContaining({
        Action: [...pull, "ecr:CreateRepository"],
        Resource: [
          `${arn}:us-west-2:${account}:repository/docker-hub/hashicorp/tfc-agent`,
          `${arn}:us-west-2:${account}:repository/docker-hub/db`,
        ],
      }),
    ]);
    const service = cluster({ image, createCacheRepository: true });
    expect(pullsOf(service, "web-exec")[0]?.Action).toContain("ecr:CreateRepository");
  });

  it.each([
    "hashicorp/tfc-agent:1.30.2",
    "public.ecr.aws/docker/library/postgres:17",
    `example.com/${account}.dkr.ecr.us-west-2.amazonaws.com/x:1`,
    `${account}.dkr.ecr.us-west-2.example.com/x:1`,
  ])("is not needed for %s", (image) => expect(pullsOf(fleet({ image }))).toEqual([]));
});

describe("a private registry", () => {
  it("gets the secret's credentials, which the start of agents may read, and the key of the stack", () => {
    const stack = fleet({ repositoryCredentialsArn: registry }, { kmsKeyArn });
    const [agent] = containersOf(stack);
    expect(agent).toMatchObject({
      image: "hashicorp/tfc-agent:1.30.2",
      repositoryCredentials: { credentialsParameter: registry },
    });
    expect(rightsOf(stack, "capacity_execution")).toEqual(
      expect.arrayContaining([
        {
          Effect: "Allow",
          Action: ["secretsmanager:GetSecretValue"],
          Resource: [expect.stringContaining("secret-agentToken"), registry],
        },
        { Effect: "Allow", Action: ["kms:Decrypt"], Resource: [kmsKeyArn] },
      ]),
    );
    const readers = Object.entries(stack.resource.aws_iam_role_policy ?? {}).filter(([, { policy }]) =>
      String(policy).includes(registry),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringContaining("capacity_execution")]);
  });

  it("of a sidecar has its own", () => {
    const other = registry.replace("docker-hub", "quay");
    const sidecars = [{ name: "db", image: "quay.io/acme/db:17", repositoryCredentialsArn: other }];
    const stack = fleet({ sidecars });
    const [agent, db] = containersOf(stack);
    expect(agent).not.toHaveProperty("repositoryCredentials");
    expect(db.repositoryCredentials).toEqual({ credentialsParameter: other });
    expect(rightsOf(stack, "capacity_execution")).toContainEqual({
      Effect: "Allow",
      Action: ["secretsmanager:GetSecretValue"],
      Resource: [expect.stringContaining("secret-agentToken"), other],
    });
  });

  it("is not asked for the image of a pool that is in ECR", () => {
    const stack = synthesize({
      kind: "ecs-fleet",
      region: "us-west-2",
      vendor: { type: "azure-devops", organization: "acme" },
      pools: [
        { key: "plain", name: "Plain" },
        { key: "own", name: "Own", compute: { image: `${account}.dkr.ecr.us-west-2.amazonaws.com/ado:1` } },
      ],
      compute: { image: "registry.example.com/ado:1", repositoryCredentialsArn: registry },
    });
    const tasks = resources(stack, "aws_ecs_task_definition");
    const credentials = tasks.map((task) => [
      task.family,
      JSON.parse(String(task.container_definitions))[0].repositoryCredentials?.credentialsParameter,
    ]);
    expect(Object.fromEntries(credentials)).toEqual({ ci_plain: registry, ci_own: undefined });
  });
});
