import { describe, expect, it } from "vitest";
import { networkOf } from "../../../stacks/config/ecs-fleet.ts";
import { configOf, messagesIn, minimal } from "./files.ts";

const configWith = (text: string) => configOf(minimal + text);
const errorsWith = (text: string) => messagesIn(minimal + text);

it("gives everything a default but the kind, the region and the vendor's names", () => {
  expect(configWith("")).toEqual({
    kind: "ecs-fleet",
    region: "us-west-2",
    vendor: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      demand: "api",
      runTtlSeconds: 14400,
      webhook: { enabled: true, throttleRatePerSecond: 10, throttleBurst: 20 },
    },
    agents: {
      min: 0,
      max: 10,
      buffer: 0,
      singleUse: true,
      idleTimeoutSeconds: 300,
      maxLifetimeSeconds: 86400,
      registrationGraceSeconds: 300,
    },
    scaling: {
      enabled: true,
      tickSeconds: 10,
      scaleInCooldownSeconds: 60,
      scaleOutCooldownSeconds: 0,
      scaleInAfterObservations: 1,
      removalOrder: "oldest-first",
      maxAddedPerTick: 50,
      maxRemovedPerTick: 10,
      maxFailedLaunchesPerHour: 20,
      singleFlight: true,
    },
    compute: {
      cpu: 1024,
      memoryMiB: 2048,
      architecture: "x86_64",
      spot: false,
      environment: {},
      secrets: {},
      volumes: [],
      sidecars: [],
      readonlyRootFilesystem: false,
      enableExecuteCommand: false,
      containerInsights: false,
    },
    secrets: { recoveryWindowDays: 7 },
    retirement: { drainTimeoutSeconds: 21600 },
    loop: { inNetwork: false },
    alarms: { emails: [], subscriptions: [], queueWaitSeconds: 300 },
    consumerRoles: [],
    logs: { retentionDays: 30 },
    iam: {},
    backend: { type: "local" },
    providers: {},
    tags: {},
  });
});

it("gives a fleet a network of its own, unless it runs on a cluster's hosts", () => {
  expect(networkOf(configWith(""))).toEqual({
    create: { cidr: "10.40.0.0/16", availabilityZones: 2, egress: "single-nat", ipv6: false },
  });
  expect(networkOf(configWith("compute: { capacityProvider: { stack: apps } }"))).toEqual({ stack: "apps" });
  expect(networkOf(configWith("network: { stack: net }"))).toEqual({ stack: "net" });
});

describe("agents", () => {
  it.each([
    ["agents: { min: 3, max: 2 }", "agents.min: must not be more than agents.max, which is 2, found 3"],
    ["agents: { min: 11 }", "agents.min: must not be more than agents.max, which is 10, found 11"],
    ["agents: { max: 1, buffer: 2 }", "agents.buffer: must not be more than agents.max, which is 1, found 2"],
  ])("are refused as %s", (text, error) => {
    expect(errorsWith(text)).toEqual([error]);
  });

  it("may have a floor as high as the ceiling", () => {
    expect(configWith("agents: { min: 10, max: 10, buffer: 10 }").agents).toMatchObject({ min: 10, max: 10 });
  });
});

describe("compute", () => {
  it.each([
    [256, 512],
    [256, 2048],
    [512, 4096],
    [1024, 8192],
    [2048, 4096],
    [4096, 30720],
    [8192, 61440],
    [16384, 122880],
  ])("takes Fargate's cpu %i with %i MiB", (cpu, memoryMiB) => {
    expect(configWith(`compute: { cpu: ${cpu}, memoryMiB: ${memoryMiB} }`).compute).toMatchObject({ cpu, memoryMiB });
  });

  it.each([
    ["cpu: 256, memoryMiB: 4096", "must be one of 512, 1024, 2048 with a cpu of 256, found 4096"],
    [
      "cpu: 1024, memoryMiB: 1024",
      "must be one of 2048, 3072, 4096, 5120, 6144, 7168, 8192 with a cpu of 1024, found 1024",
    ],
    [
      "cpu: 2048, memoryMiB: 4097",
      "must be one of 4096, 5120, 6144, … 16384 (in steps of 1024) with a cpu of 2048, found 4097",
    ],
    [
      "cpu: 16384",
      "must be one of 32768, 40960, 49152, … 122880 (in steps of 8192) with a cpu of 16384, but is missing",
    ],
  ])("tells what goes with the cpu in %s", (text, error) => {
    expect(errorsWith(`compute: { ${text} }`)).toContain(`compute.memoryMiB: ${error}`);
  });

  it.each([
    "hashicorp/tfc-agent:1.30.2",
    "localhost:5000/tfc-agent:1",
    "111122223333.dkr.ecr.us-west-2.amazonaws.com/ci/tfc-agent:1.30.2-acme",
    `hashicorp/tfc-agent@sha256:${"0".repeat(64)}`,
  ])("takes the image %s", (image) => {
    expect(configWith(`compute: { image: "${image}" }`).compute.image).toBe(image);
  });

  it.each([
    "hashicorp/tfc-agent",
    "hashicorp/tfc-agent:latest",
    "localhost:5000/tfc-agent",
  ])("refuses the image %s, which is not pinned, and says why", (image) => {
    expect(errorsWith(`compute: { image: "${image}" }`)).toEqual([
      expect.stringMatching(/^compute\.image: must be pinned to a version, .*every launch could run another version/),
    ]);
  });

  it.each([
    ["TFC_AGENT_TOKEN", "must not be set here: use secrets.agentToken"],
    ["TFC_AGENT_SINGLE", "must not be set here: use agents.singleUse"],
    ["TFC_AGENT_NAME", "must not be set here: use nothing, agents are named by the fleet"],
    ["TFC_ADDRESS", "must not be set here: use vendor.address"],
    ["AGENT_FLEETS_X", "must not start with AGENT_FLEETS_: those variables belong to the agent's entry point"],
    ["A-B", "must be the name of an environment variable"],
  ])("refuses the environment variable %s", (name, error) => {
    expect(errorsWith(`compute: { environment: { ${name}: x } }`)).toEqual([
      expect.stringMatching(new RegExp(`^compute\\.environment\\.${name}: ${error}`)),
    ]);
  });
});

describe("network", () => {
  it("may be given by ids", () => {
    expect(configWith("network: { vpcId: vpc-01234567, subnetIds: [subnet-01234567] }").network).toEqual({
      vpcId: "vpc-01234567",
      subnetIds: ["subnet-01234567"],
      assignPublicIp: false,
    });
  });

  it.each(["10.0.0.0/16", "192.168.16.0/20", "172.16.1.0/24"])("takes the range %s", (cidr) => {
    expect(configWith(`network: { create: { cidr: ${cidr} } }`).network).toMatchObject({ create: { cidr } });
  });

  it.each([
    "10.0.0.1/16",
    "10.0.0.0/15",
    "10.0.0.0/29",
    "10.0.0.0",
    "10.0.0/16",
    "010.0.0.0/16",
    "10.0.0.0/16/16",
    "::/16",
    "x/16",
    "10.0.0.0/ 16",
  ])("refuses the range %s", (cidr) => {
    expect(errorsWith(`network: { create: { cidr: "${cidr}" } }`)).toEqual([
      expect.stringMatching(/^network\.create\.cidr: must be an IPv4 range from \/16 to \/28 that starts at its first/),
    ]);
  });

  it("refuses a subnet twice", () => {
    const text = "network: { vpcId: vpc-01234567, subnetIds: [subnet-01234567, subnet-01234567] }";
    expect(errorsWith(text)).toEqual(["network.subnetIds: must not repeat an item, found a list of 2"]);
  });
});

describe("secrets", () => {
  it.each([
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:ci/tfc-token-AbCdEf",
    "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/ci/token",
    "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:token",
  ])("come by ARN: %s", (arn) => {
    expect(configWith(`secrets: { agentToken: { arn: "${arn}" } }`).secrets.agentToken).toEqual({ arn });
  });

  it("come by Terraform variable", () => {
    expect(configWith("secrets: { agentToken: { variable: tfc_agent_token } }").secrets.agentToken).toEqual({
      variable: "tfc_agent_token",
      version: 1,
    });
  });

  it.each([
    "arn:aws:s3:::bucket",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:",
    "arn:other:ssm:us-west-2:111122223333:parameter/x",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:token:key::",
  ])("do not come by %s", (arn) => {
    expect(errorsWith(`secrets: { agentToken: { arn: "${arn}" } }`)).toEqual([
      expect.stringMatching(
        /^secrets\.agentToken\.arn: must be the ARN of a Secrets Manager secret or an SSM parameter/,
      ),
    ]);
  });

  it("name the key of a secret that has its own, which lies where the secret lies", () => {
    const arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/ci/token";
    const key = (region: string) => `arn:aws:kms:${region}:111122223333:key/0a1b`;
    const token = (kmsKeyArn: string) => `secrets: { agentToken: { arn: "${arn}", kmsKeyArn: "${kmsKeyArn}" } }`;
    expect(configWith(token(key("eu-west-1"))).secrets.agentToken).toEqual({ arn, kmsKeyArn: key("eu-west-1") });
    expect(errorsWith(token(key("us-west-2")))).toEqual([
      expect.stringMatching(/^secrets\.agentToken\.kmsKeyArn: must be a key in the secret's region, eu-west-1/),
    ]);
    expect(errorsWith(token("alias/ci"))).toEqual([
      expect.stringMatching(/^secrets\.agentToken\.kmsKeyArn: must be the ARN of a KMS key/),
    ]);
  });

  it("do not share a variable", () => {
    const text = "secrets: { agentToken: { variable: token }, apiToken: { variable: token } }";
    expect(errorsWith(text)).toEqual([
      expect.stringMatching(
        /^secrets\.apiToken\.variable: must be another variable than the one of secrets\.agentToken/,
      ),
    ]);
  });

  it.each([0, 7, 30])("can be restored for %i days", (days) => {
    expect(configWith(`secrets: { recoveryWindowDays: ${days} }`).secrets.recoveryWindowDays).toBe(days);
  });

  it.each([1, 6, 31, -1])("cannot be restored for %i days", (days) => {
    expect(errorsWith(`secrets: { recoveryWindowDays: ${days} }`)).toHaveLength(1);
  });
});

describe("backend", () => {
  it.each([
    ["{ type: local, path: state/fleet.tfstate }", { type: "local", path: "state/fleet.tfstate" }],
    ["{ type: s3, bucket: acme-state }", { type: "s3", bucket: "acme-state", useLockfile: true }],
    [
      "{ type: cloud, organization: acme, workspace: fleet }",
      { type: "cloud", organization: "acme", workspace: "fleet", hostname: "app.terraform.io" },
    ],
  ])("may be %s", (text, expected) => {
    expect(configWith(`backend: ${text}`).backend).toEqual(expected);
  });

  it.each(["/var/state", "~/state", "C:\\\\state"])("does not keep state in %s of one machine", (path) => {
    expect(errorsWith(`backend: { type: local, path: "${path}" }`)).toEqual([
      expect.stringMatching(
        /^backend\.path: must be a relative path: the synthesized files name no folder of one machine/,
      ),
    ]);
  });
});

describe("what all kinds have in common", () => {
  it.each([
    [
      'kmsKeyArn: "arn:aws:kms:eu-west-1:111122223333:key/abc"',
      "kmsKeyArn: must be a key in the stack's region, us-west-2",
    ],
    [
      'kmsKeyArn: "arn:aws:kms:us-west-2:111122223333:alias/abc"',
      "kmsKeyArn: must be the ARN of a KMS key (not of an alias)",
    ],
    ["logs: { retentionDays: 31 }", "logs.retentionDays: must be one of 0, 1, 3, 5, 7, 14, 30, 60"],
    [
      'alarms: { emails: [a@example.com], topicArn: "arn:aws:sns:us-west-2:111122223333:t" }',
      "alarms.emails: must be left out when alarms.topicArn is given",
    ],
    [
      'alarms: { subscriptions: [{ protocol: https, url: "https://x.example" }], topicArn: "arn:aws:sns:us-west-2:111122223333:t" }',
      "alarms.subscriptions: must be left out when alarms.topicArn is given",
    ],
    ["iam: { path: ci }", "iam.path: must be an IAM path that starts and ends with a slash"],
    ["iam: { permissionsBoundaryArn: boundary }", "iam.permissionsBoundaryArn: must be the ARN of an IAM policy"],
    ["consumerRoles: [{ name: dev }, { name: dev }]", "consumerRoles: must not repeat a name"],
    [
      "consumerRoles: [{ name: dev, policy: {} }]",
      "consumerRoles[0].policy.Version: must be 2012-10-17, but is missing",
    ],
    [
      "consumerRoles: [{ name: dev, policy: { Version: 2012-10-17, Statement: [] } }]",
      "consumerRoles[0].policy.Statement: must not be empty",
    ],
    ["tags: { aws:x: y }", 'tags["aws:x"]: must not start with aws:, which AWS keeps for itself'],
    ['providers: { tfe: "latest" }', "providers.tfe: must be a version constraint"],
  ])("refuses %s", (text, error) => {
    expect(
      errorsWith(text).some((line) => line.startsWith(error)),
      errorsWith(text).join("\n"),
    ).toBe(true);
  });

  it("refuses more tags than AWS takes", () => {
    const tags = Array.from({ length: 46 }, (_, index) => `t${index}: x`).join(", ");
    expect(errorsWith(`tags: { ${tags} }`)).toEqual(["tags: must have at most 45 entries, found a mapping"]);
  });

  it.each([
    "us-west-2",
    "us-gov-west-1",
    "cn-north-1",
    "ap-southeast-7",
    "eusc-de-east-1",
  ])("takes region %s", (region) => {
    expect(configOf(minimal.replace("us-west-2", region)).region).toBe(region);
  });

  it.each(["~> 6.25", ">= 5.100, < 7", "5.100.0", "= 6.0.0-beta1"])("takes the version constraint %s", (aws) => {
    expect(configWith(`providers: { aws: "${aws}" }`).providers).toEqual({ aws });
  });

  it("takes tag values with colons and names of other scripts", () => {
    expect(configWith('tags: { Owner: "team:ci", größe: "1" }').tags).toEqual({ Owner: "team:ci", größe: "1" });
  });
});
