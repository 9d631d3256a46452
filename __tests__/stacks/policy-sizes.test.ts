import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { App, TerraformStack } from "#cdktf";
import { EcrRepositoryPolicy } from "#provider-aws/ecr-repository-policy";
import { IamPolicy } from "#provider-aws/iam-policy";
import { IamRole } from "#provider-aws/iam-role";
import { IamRolePolicy } from "#provider-aws/iam-role-policy";
import { IamRolePolicyAttachment } from "#provider-aws/iam-role-policy-attachment";
import { KmsKey } from "#provider-aws/kms-key";
import { S3BucketPolicy } from "#provider-aws/s3-bucket-policy";
import { SecretsmanagerSecretPolicy } from "#provider-aws/secretsmanager-secret-policy";
import { SnsTopicPolicy } from "#provider-aws/sns-topic-policy";
import { SqsQueue } from "#provider-aws/sqs-queue";
import { loadStacks } from "../../stacks/config/load.ts";
import { stackConfig } from "../../stacks/config/schema.ts";
import { FleetApp } from "../../stacks/constructs/fleet-app.ts";
import { argumentsOf, longestText } from "../../stacks/constructs/longest-text.ts";
import { checkPolicySizes } from "../../stacks/constructs/policy-sizes.ts";
import { createStack, createStacks, loadStackClasses } from "../../stacks/index.ts";
import { fleet } from "./ec2-fleet.ts";
import { cluster } from "./ecs-cluster.ts";
import { minimal, resources, type Synthesized, statements, stubBundles, synthesize, theOnly } from "./synth.ts";

const all = [
  "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1",
  "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1",
  "eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1",
  "me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1",
  "cn-north-1 cn-northwest-1",
].flatMap((line) => line.split(" "));

/** One region of each length and partition: in the others the policies are as long. */
const regions = [
  ...new Map(all.map((region) => [`${region.split("-")[1] === "gov"} ${region.length}`, region])).values(),
];

const account = "111122223333";
const longName = "c".repeat(40);
const nameOf = (index: number) => `${"s".repeat(16)}${String(index).padStart(2, "0")}`;
const imageOf = (index: number, region: string) =>
  `${account}.dkr.ecr.${region}.amazonaws.com/${"team/".repeat(20)}image-${index}:1.0`;

/** As many services as the issue asks for, with names as long as they may be. */
function crowded(region: string, count = 50) {
  const services = Array.from({ length: count }, (_, index) => ({
    name: nameOf(index),
    image: imageOf(index, region),
  }));
  const deployer = { github: [{ repository: "acme/web", branch: "main" }] };
  return { ...cluster, region, services, deployer, iam: { path: "/platform/ci/agents/" } };
}

/** A policy as AWS gets it, from what Terraform has after the deployment. Not by our own estimate. */
function asDeployed(stack: Synthesized, policy: unknown, region: string): string {
  const partition = region.startsWith("us-gov-") ? "aws-us-gov" : region.startsWith("cn-") ? "aws-cn" : "aws";
  return String(policy)
    .replaceAll(/\$\{data\.aws_partition\.\w+\.partition\}/g, partition)
    .replaceAll(/\$\{data\.aws_caller_identity\.\w+\.account_id\}/g, account)
    .replaceAll(/\$\{(aws_\w+)\.([\w-]+)\.arn\}/g, (_, type: string, id: string) => {
      const { name, path = "/" } = stack.resource[type]?.[id] ?? {};
      const at = `arn:${partition}`;
      switch (type) {
        case "aws_iam_role":
          return `${at}:iam::${account}:role${path}${name}`;
        case "aws_ecs_cluster":
          return `${at}:ecs:${region}:${account}:cluster/${name}`;
        case "aws_autoscaling_group":
          return `${at}:autoscaling:${region}:${account}:autoScalingGroup:${"0".repeat(36)}:autoScalingGroupName/${name}`;
        case "aws_cloudwatch_event_rule":
          return `${at}:events:${region}:${account}:rule/${name}`;
        case "aws_sns_topic":
          return `${at}:sns:${region}:${account}:${name}`;
        case "aws_cloudwatch_log_group":
          return `${at}:logs:${region}:${account}:log-group:${name}`;
        default:
          throw new Error(`no ARN of ${type}`);
      }
    });
}

/** The policies of a role: the inline one, and the managed ones. */
function policiesOf(stack: Synthesized, role: string) {
  const [id] = Object.entries(stack.resource.aws_iam_role ?? {}).find(([key]) => key.startsWith(role)) ?? [];
  const attached = resources(stack, "aws_iam_role_policy_attachment").filter(
    (each) => each.role === `\${aws_iam_role.${id}.name}`,
  );
  return {
    inline: resources(stack, "aws_iam_role_policy").filter((each) => each.role === `\${aws_iam_role.${id}.name}`),
    managed: attached.map((each) => {
      const [, managed = ""] = /^\$\{aws_iam_policy\.(.+)\.arn\}$/.exec(String(each.policy_arn)) ?? [];
      return stack.resource.aws_iam_policy?.[managed] ?? {};
    }),
  };
}

const inTheLongestRegion = synthesize(crowded("ap-southeast-1"), longName);

describe("a cluster of 50 services with long names", () => {
  it.each(regions)("has policies of a size that IAM takes in %s", (region) => {
    const stack = region === "ap-southeast-1" ? inTheLongestRegion : synthesize(crowded(region), longName);
    const roles = Object.entries(stack.resource.aws_iam_role ?? {});
    const size = (policy: unknown) => asDeployed(stack, policy, region).length;
    expect(roles.length).toBeGreaterThan(150);
    for (const [id, { assume_role_policy }] of roles) {
      const { inline, managed } = policiesOf(stack, id);
      expect(
        inline.reduce((sum, { policy }) => sum + size(policy), 0),
        id,
      ).toBeLessThanOrEqual(10_240);
      expect(Math.max(0, ...managed.map(({ policy }) => size(policy))), id).toBeLessThanOrEqual(6144);
      expect(managed.length, id).toBeLessThanOrEqual(10);
      expect(size(assume_role_policy), id).toBeLessThanOrEqual(2048);
    }
    expect(policiesOf(stack, "cluster_hosts_host").managed.length).toBeGreaterThan(0);
  });

  it("gives away no right and loses none where a policy is split", () => {
    const { inline, managed } = policiesOf(inTheLongestRegion, "cluster_hosts_host");
    const pulls = [...inline, ...managed]
      .flatMap(({ policy }) => statements(asDeployed(inTheLongestRegion, policy, "ap-southeast-1")))
      .filter(({ Action }) => [Action].flat().includes("ecr:BatchGetImage"));
    expect(new Set(pulls.map(({ Action }) => String(Action))).size).toBe(1);
    expect(pulls.flatMap(({ Resource = [] }) => [Resource].flat())).toEqual(
      Array.from(
        { length: 50 },
        (_, index) => `arn:aws:ecr:ap-southeast-1:${account}:repository/${"team/".repeat(20)}image-${index}`,
      ),
    );
  });

  it("adds to the other policy first what leaves the inline one, so that no right is missing meanwhile", () => {
    const { inline, managed } = policiesOf(inTheLongestRegion, "cluster_hosts_host");
    expect(inline[0]?.depends_on).toEqual(
      managed.map((_, index) =>
        expect.stringMatching(`^aws_iam_role_policy_attachment.cluster_hosts_host_policy-${index + 2}`),
      ),
    );
  });

  it("has managed policies under its path, with names that are unique in the account", () => {
    const managed = resources(inTheLongestRegion, "aws_iam_policy");
    expect(managed.map(({ name }) => name)).toContain(`${longName}-host-rights-2-ap-southeast-1`);
    expect(new Set(managed.map(({ path }) => path))).toEqual(new Set(["/platform/ci/agents/"]));
    expect(new Set(managed.map(({ name }) => name)).size).toBe(managed.length);
  });
});

it("rights that the config adds to instances are split, too", () => {
  const extraStatements = Array.from({ length: 50 }, (_, index) => ({
    actions: ["s3:GetObject"],
    resources: Array.from({ length: 4 }, (_, part) => `arn:aws:s3:::${"bucket".repeat(9)}-${index}/${part}/*`),
  }));
  const stack = fleet({ compute: { instanceRole: { extraStatements } } });
  const { inline, managed } = policiesOf(stack, "role_instance");
  const buckets = [...inline, ...managed]
    .flatMap(({ policy }) => statements(policy))
    .filter(({ Action }) => [Action].flat().includes("s3:GetObject"))
    .flatMap(({ Resource = [] }) => [Resource].flat());
  expect(managed).toHaveLength(2);
  expect(buckets).toEqual(extraStatements.flatMap((each) => each.resources));
  expect(theOnly(stack, "aws_autoscaling_group").depends_on).toEqual(
    expect.arrayContaining([expect.stringMatching(/^aws_iam_role_policy_attachment\.role_instance_policy-2-attached/)]),
  );
});

it("a smaller cluster has its inline policy alone, as before", () => {
  const stack = synthesize(crowded("us-west-2", 20), "apps");
  expect(stack.resource).not.toHaveProperty("aws_iam_policy");
});

describe("the size of a policy", () => {
  const { stacks } = loadStacks({ env: {}, cwd: process.cwd() });

  it("is known for every shipped config: no expression in a policy is guessed", async () => {
    const classes = await loadStackClasses();
    const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    try {
      const app = new FleetApp(stubBundles, folder);
      for (const loaded of stacks) {
        const { stack, warnings } = createStack(classes, app, loaded);
        expect(warnings).toEqual([]);
        const policies = stack.node.findAll().flatMap((each) => {
          const made = "terraformResourceType" in each ? argumentsOf(each as never) : {};
          return [made.policy, made.assume_role_policy].filter((policy) => policy !== undefined);
        });
        for (const policy of policies) {
          expect(longestText(stack, String(policy), loaded.config), loaded.name).not.toMatch(/x{100}|\$\{(?!aws:)/);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("is an error that names the role, the size and the limit, with the config's file", async () => {
    const statement = (index: number) => ({
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: `arn:aws:s3:::${"bucket".repeat(10)}-${index}/*`,
    });
    const policy = { Version: "2012-10-17", Statement: Array.from({ length: 90 }, (_, index) => statement(index)) };
    const config = stackConfig.parse({ ...minimal, consumerRoles: [{ name: "dev", policy }] });
    const classes = await loadStackClasses(["ecs-fleet"]);
    const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
    const create = () =>
      createStacks(classes, new FleetApp(stubBundles, folder), [{ name: "ci", file: "config/ci.yaml", config }]);
    try {
      expect(create).toThrow(
        /^config\/ci\.yaml: aws_iam_role\.\S+: must be smaller: the inline policies of the role ci-dev-us-west-2 would have about 1\d{4} characters, and AWS takes 10240$/,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("is a warning where AWS takes it after it has raised a quota", () => {
    const repositories = Array.from({ length: 40 }, (_, index) => ({
      repository: `acme/service-${index}`,
      branch: "main",
    }));
    const config = stackConfig.parse({
      ...cluster,
      services: [{ name: "web", image: "nginx:1.29.0" }],
      deployer: { github: repositories },
    });
    expect(warningsOf(config)).toEqual([
      expect.stringMatching(
        /^config\/apps\.yaml: aws_iam_role\.deployer_role-web_\w+: the trust policy of the role apps-web-cicd-us-west-2 has about 2\d{3} characters, and AWS takes 2048 unless you have it raise the quota L-C07B4B0D$/,
      ),
    ]);
  });
});

function warningsOf(config: ReturnType<typeof stackConfig.parse>) {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  try {
    return createStacks(classes, new FleetApp(stubBundles, folder), [
      { name: "apps", file: "config/apps.yaml", config },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const classes = await loadStackClasses();

describe("AWS's limits", () => {
  /** A policy of so many characters, with white space between its parts that does not count. */
  const policyOf = (characters: number) => {
    const document = (text: string) => ({ Version: "2012-10-17", Statement: [{ Sid: text }] });
    const text = "s".repeat(characters - JSON.stringify(document("")).length);
    return JSON.stringify(document(text), undefined, 4);
  };
  const check = (add: (stack: TerraformStack, characters: number) => unknown, characters: number) => {
    const stack = new TerraformStack(new App(), "ci");
    add(stack, characters);
    return checkPolicySizes(stack, { region: "us-west-2" });
  };
  const role = (stack: TerraformStack, trust = 100) =>
    new IamRole(stack, "role", { name: "ci-task", assumeRolePolicy: policyOf(trust) });

  it.each<[string, number, (stack: TerraformStack, characters: number) => unknown]>([
    ["trust policy", 8192, (stack, characters) => role(stack, characters)],
    ["managed policy", 6144, (stack, characters) => new IamPolicy(stack, "one", { policy: policyOf(characters) })],
    [
      "two inline policies",
      10_240,
      (stack, characters) =>
        [4000, characters - 4000].map(
          (size, index) =>
            new IamRolePolicy(stack, `policy-${index}`, {
              role: (stack.node.tryFindChild("role") as IamRole | undefined)?.name ?? role(stack).name,
              policy: policyOf(size),
            }),
        ),
    ],
    ["SQS queue", 8192, (stack, characters) => new SqsQueue(stack, "one", { policy: policyOf(characters) })],
    [
      "SNS topic",
      30_720,
      (stack, characters) => new SnsTopicPolicy(stack, "one", { arn: "a", policy: policyOf(characters) }),
    ],
    ["KMS key", 32_768, (stack, characters) => new KmsKey(stack, "one", { policy: policyOf(characters) })],
    [
      "bucket",
      20_480,
      (stack, characters) => new S3BucketPolicy(stack, "one", { bucket: "b", policy: policyOf(characters) }),
    ],
    [
      "repository",
      10_240,
      (stack, characters) => new EcrRepositoryPolicy(stack, "one", { repository: "r", policy: policyOf(characters) }),
    ],
    [
      "secret",
      20_480,
      (stack, characters) =>
        new SecretsmanagerSecretPolicy(stack, "one", { secretArn: "s", policy: policyOf(characters) }),
    ],
  ])("%s: %i, and not one more", (_, limit, add) => {
    expect(() => check(add, limit)).not.toThrow();
    expect(() => check(add, limit + 1)).toThrow(
      new RegExp(
        `^aws_\\w+\\.\\w+: must be smaller: the .+ would have about ${limit + 1} \\w+, and AWS takes ${limit}$`,
      ),
    );
  });

  it("ten managed policies for each role, and up to 25 on request", () => {
    const attach = (stack: TerraformStack, count: number) => {
      const { name } = role(stack);
      for (let index = 0; index < count; index++) {
        new IamRolePolicyAttachment(stack, `attached-${index}`, { role: name, policyArn: "arn:aws:iam::aws:policy/P" });
      }
    };
    expect(check(attach, 10)).toEqual([]);
    expect(check(attach, 11)).toEqual([
      "aws_iam_role.role: the role ci-task has about 11 managed policies, and AWS takes 10 unless you have it raise the " +
        "quota L-0DA4ABF3",
    ]);
    expect(() => check(attach, 26)).toThrow("would have about 26 managed policies, and AWS takes 25");
  });
});
