import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HttpFake, startHttpFake } from "../fakes/http-fake.ts";
import { type AwsFront, startAwsFront } from "./aws-front.ts";
import { ask } from "./aws-listings.ts";

/** The emulator's answer behind the front: the same for every request. */
let answer: object | string;
/** The largest number of requests that were at the emulator at once. */
let mostAtOnce = 0;
let emulator: HttpFake;
let front: AwsFront;

beforeEach(async () => {
  let atOnce = 0;
  emulator = await startHttpFake(async () => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    await setTimeout(5);
    atOnce -= 1;
    return typeof answer === "string"
      ? { status: 200, text: answer, headers: { "content-type": "text/xml" } }
      : { status: 200, json: answer };
  });
  front = await startAwsFront(emulator.url, []);
});

afterEach(async () => {
  await front.close();
  await emulator.close();
});

async function ecs(operation: string, input: object) {
  const headers = { "x-amz-target": `AmazonEC2ContainerServiceV20141113.${operation}` };
  return JSON.parse(
    await ask(front.url, "us-west-2", "ecs", "/", { method: "POST", body: JSON.stringify(input), headers }),
  );
}

function query(service: string, input: Record<string, string>): Promise<string> {
  return ask(front.url, "us-west-2", service, "/", { method: "POST", body: new URLSearchParams(input) });
}

describe("services", () => {
  const named = { cluster: "arn:aws:ecs:us-west-2:111122223333:cluster/apps" };
  const forgetful = { serviceName: "web", clusterArn: named.cluster, networkConfiguration: {} };
  const strategy = (capacityProvider: string) => [{ capacityProvider, weight: 1 }];

  beforeEach(async () => {
    answer = { service: forgetful };
    await ecs("CreateService", {
      ...named,
      serviceName: "web",
      capacityProviderStrategy: strategy("hosts"),
      deploymentConfiguration: { minimumHealthyPercent: 50 },
    });
    answer = { services: [forgetful], failures: [] };
  });

  const described = async () => (await ecs("DescribeServices", { ...named, services: ["web"] })).services[0];

  it("are told as they were made, without a network that they have not", async () => {
    expect(await described()).toEqual({
      serviceName: "web",
      clusterArn: named.cluster,
      capacityProviderStrategy: strategy("hosts"),
      deploymentConfiguration: { maximumPercent: 200, minimumHealthyPercent: 50 },
    });
  });

  it("are told as they were changed since, by name or ARN: drift shows", async () => {
    const service = "arn:aws:ecs:us-west-2:111122223333:service/apps/web";
    answer = { service: forgetful };
    await ecs("UpdateService", { cluster: "apps", service, capacityProviderStrategy: strategy("other") });
    answer = { services: [forgetful], failures: [] };
    expect(await described()).toMatchObject({
      capacityProviderStrategy: strategy("other"),
      deploymentConfiguration: { minimumHealthyPercent: 50 },
    });
  });
});

describe("tasks", () => {
  const run = (capacityProvider: string, more: object = {}) =>
    ecs("RunTask", {
      cluster: "apps",
      clientToken: `${capacityProvider} ${Object.keys(more)}`,
      capacityProviderStrategy: [{ capacityProvider }],
      ...more,
    });
  const placementStrategy = [{ type: "binpack", field: "memory" }];

  beforeEach(() => {
    answer = { clusters: [{ capacityProviders: ["hosts-apps", "FARGATE"] }], tasks: [{ taskArn: "arn" }] };
  });

  it("run on the cluster's own capacity providers alone", async () => {
    expect((await run("hosts-apps", { placementStrategy })).tasks).toHaveLength(1);
    await expect(run("hosts-other")).rejects.toThrow("hosts-other is no capacity provider of the cluster");
  });

  it("are placed by Fargate as it likes", async () => {
    expect((await run("FARGATE")).tasks).toHaveLength(1);
    await expect(run("FARGATE", { placementStrategy })).rejects.toThrow("Fargate takes no placement strategy");
  });

  it("are known again by tokens of 64 characters at most", async () => {
    expect((await run("FARGATE", { clientToken: "t".repeat(64) })).tasks).toHaveLength(1);
    await expect(run("FARGATE", { clientToken: "t".repeat(65) })).rejects.toThrow("more than 64 characters");
  });
});

it("tells how long instances of a group may live", async () => {
  answer = "<AutoScalingGroupName>apps</AutoScalingGroupName>";
  const make = (Action: string, MaxInstanceLifetime: string) =>
    query("autoscaling", { Action, AutoScalingGroupName: "apps", MaxInstanceLifetime });
  await make("CreateAutoScalingGroup", "86400");
  await make("UpdateAutoScalingGroup", "172800");
  expect(await query("autoscaling", { Action: "DescribeAutoScalingGroups" })).toBe(
    `${answer}<MaxInstanceLifetime>172800</MaxInstanceLifetime>`,
  );
});

it("tells what a rule between security groups is for", async () => {
  answer = "<securityGroupRuleId>sgr-1</securityGroupRuleId>";
  await query("ec2", {
    Action: "AuthorizeSecurityGroupIngress",
    "IpPermissions.1.Groups.1.Description": "From web & co",
  });
  expect(await query("ec2", { Action: "DescribeSecurityGroupRules" })).toBe(
    `${answer}<description>From web &amp; co</description>`,
  );
});

it("keeps the tags of a launch template apart from those of its instances", async () => {
  const tagged = (type: string) =>
    `<item><resourceType>${type}</resourceType><tagSet><item><key>Fleet</key></item></tagSet></item>`;
  answer = `<set>${tagged("instance")}${tagged("launch-template")}${tagged("volume")}</set>`;
  expect(await query("ec2", { Action: "DescribeLaunchTemplateVersions" })).toBe(
    `<set>${tagged("instance")}${tagged("volume")}</set>`,
  );
});

it("remembers the tags of what scales", async () => {
  const scaling = async (operation: string, input: object) =>
    JSON.parse(
      await ask(front.url, "us-west-2", "application-autoscaling", "/", {
        method: "POST",
        body: JSON.stringify(input),
        headers: { "x-amz-target": `AnyScaleFrontendService.${operation}` },
      }),
    );
  answer = { ScalableTargetARN: "arn:1" };
  await scaling("RegisterScalableTarget", { Tags: { Fleet: "apps" } });
  expect(await scaling("ListTagsForResource", { ResourceARN: "arn:1" })).toEqual({ Tags: { Fleet: "apps" } });
  expect(await scaling("ListTagsForResource", { ResourceARN: "arn:2" })).toEqual({ Tags: {} });
});

it("does not know an instance when it is first tagged", async () => {
  answer = "<return>true</return>";
  const tag = (id: string) => query("ec2", { Action: "CreateTags", "ResourceId.1": id, "Tag.1.Key": "Role" });
  await expect(tag("i-1")).rejects.toThrow("InvalidInstanceID.NotFound");
  expect(await tag("i-1")).toBe(answer);
  await expect(tag("i-2")).rejects.toThrow("InvalidInstanceID.NotFound");
  expect(await tag("vpc-1")).toBe(answer);
});

describe("a termination hook", () => {
  const hook = { AutoScalingGroupName: "apps", LifecycleHookName: "drain", InstanceId: "i-1" };
  const call = (Action: string, more: Record<string, string>) => query("autoscaling", { Action, ...hook, ...more });

  beforeEach(async () => {
    front.losesNotices = true;
    answer = [
      "<AutoScalingGroupName>apps</AutoScalingGroupName><AvailabilityZone>us-west-2a</AvailabilityZone>",
      "<DesiredCapacity>2</DesiredCapacity><MinSize>0</MinSize><MaxSize>3</MaxSize>",
      "<LifecycleTransition>autoscaling:EC2_INSTANCE_TERMINATING</LifecycleTransition>",
      "<LifecycleHookName>drain</LifecycleHookName>",
    ].join("");
    await call("TerminateInstanceInAutoScalingGroup", { ShouldDecrementDesiredCapacity: "true" });
  });

  it("takes the instance alone, but no wrong token", async () => {
    await expect(call("RecordLifecycleActionHeartbeat", { LifecycleActionToken: "old" })).rejects.toThrow("No active");
    await call("RecordLifecycleActionHeartbeat", {});
    await call("CompleteLifecycleAction", {});
    await expect(call("CompleteLifecycleAction", {})).rejects.toThrow("No active Lifecycle Action");
  });

  it("of another group or name is none", async () => {
    await expect(call("CompleteLifecycleAction", { LifecycleHookName: "launch" })).rejects.toThrow("No active");
    await expect(call("CompleteLifecycleAction", { AutoScalingGroupName: "web" })).rejects.toThrow("No active");
  });
});

it("tells of one execution, and of none that was never started", async () => {
  const states = async (operation: string, input: object) => {
    const headers = { "x-amz-target": `AWSStepFunctions.${operation}` };
    const init = { method: "POST", body: JSON.stringify(input), headers };
    return JSON.parse(await ask(front.url, "us-west-2", "states", "/", init));
  };
  let end = (_: "SUCCEEDED") => {};
  front.runMachine = () =>
    new Promise((resolve) => {
      end = resolve;
    });
  answer = { name: "retire", roleArn: "arn:aws:iam::111122223333:role/retire", definition: "{}" };
  const stateMachineArn = "arn:aws:states:us-west-2:111122223333:stateMachine:retire";
  const { executionArn } = await states("StartExecution", { stateMachineArn, name: "one", input: "{}" });
  expect(await states("DescribeExecution", { executionArn })).toMatchObject({ name: "one", status: "RUNNING" });
  end("SUCCEEDED");
  await expect.poll(() => states("DescribeExecution", { executionArn })).toMatchObject({ status: "SUCCEEDED" });
  await expect(states("DescribeExecution", { executionArn: `${executionArn}-2` })).rejects.toThrow("DoesNotExist");
});

it("carries writes to tables out one after the other", async () => {
  answer = {};
  const mostOf = async (operation: string) => {
    mostAtOnce = 0;
    const headers = { "x-amz-target": `DynamoDB_20120810.${operation}` };
    const call = () => ask(front.url, "us-west-2", "dynamodb", "/", { method: "POST", body: "{}", headers });
    await Promise.all(Array.from({ length: 5 }, call));
    return mostAtOnce;
  };
  expect([await mostOf("UpdateItem"), await mostOf("PutItem")]).toEqual([1, 1]);
});

it("asks a group that protects its instances no more for its size again", async () => {
  answer = "<DesiredCapacity>1</DesiredCapacity><MinSize>0</MinSize><MaxSize>3</MaxSize>";
  const protect = async (ProtectedFromScaleIn: string) => {
    const before = emulator.requests.length;
    await query("autoscaling", { Action: "SetInstanceProtection", AutoScalingGroupName: "apps", ProtectedFromScaleIn });
    return emulator.requests.slice(before).map(({ body }) => new URLSearchParams(body.toString()).get("Action"));
  };
  expect(await protect("true")).toEqual(["SetInstanceProtection"]);
  expect(await protect("false")).toContain("SetDesiredCapacity");
});

describe("what AWS refuses and the emulator takes", () => {
  const policy = (characters: number) =>
    JSON.stringify({ Statement: "x".repeat(characters - '{"Statement":""}'.length) });
  const putPolicy = (PolicyName: string, characters: number) =>
    query("iam", { Action: "PutRolePolicy", RoleName: "ci", PolicyName, PolicyDocument: policy(characters) });

  beforeEach(() => {
    answer = "<launchTemplateId>lt-1</launchTemplateId>";
  });

  it("reserved concurrency, of which a new account has none", async () => {
    answer = {};
    const reserve = (ReservedConcurrentExecutions: number) =>
      ask(front.url, "us-west-2", "lambda", "/2017-10-31/functions/ci/concurrency", {
        method: "PUT",
        body: JSON.stringify({ ReservedConcurrentExecutions }),
      });
    await expect(reserve(1)).rejects.toThrow("UnreservedConcurrentExecution below its minimum");
    expect(await reserve(0)).toBe("{}");
  });

  it("an image by a parameter in a group that chooses instances by attributes", async () => {
    const template = "MixedInstancesPolicy.LaunchTemplate";
    const launchTemplate = (Action: string, image: string) =>
      query("ec2", {
        Action,
        "LaunchTemplateData.ImageId": image,
        ...(Action.endsWith("Version") && { LaunchTemplateId: "lt-1" }),
      });
    const group = (override: string) =>
      query("autoscaling", {
        Action: "CreateAutoScalingGroup",
        [`${template}.LaunchTemplateSpecification.LaunchTemplateId`]: "lt-1",
        [`${template}.Overrides.member.1.${override}`]: "2",
      });
    await launchTemplate("CreateLaunchTemplate", "resolve:ssm:/aws/image");
    await expect(group("InstanceRequirements.VCpuCount.Min")).rejects.toThrow("Systems Manager parameters");
    expect(await group("InstanceType")).toBe(answer);
    await launchTemplate("CreateLaunchTemplateVersion", "ami-1");
    expect(await group("InstanceRequirements.VCpuCount.Min")).toBe(answer);
  });

  it("more than 50 tags, in a form and in JSON", async () => {
    const tags = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`TagSpecification.1.Tag.${index + 1}.Key`, "x"]));
    await expect(query("ec2", { Action: "CreateVpc", ...tags(51) })).rejects.toThrow("TagLimitExceeded");
    expect(await query("ec2", { Action: "CreateVpc", ...tags(50) })).toBe(answer);
    answer = {};
    const list = Array.from({ length: 51 }, (_, index) => ({ key: `${index}`, value: "x" }));
    await expect(ecs("CreateCluster", { tags: list })).rejects.toThrow("TooManyTagsException");
    expect(await ecs("CreateCluster", { tags: list.slice(1) })).toEqual({});
  });

  it("policies that are longer than IAM takes, all inline ones of a role together", async () => {
    await putPolicy("one", 10_000);
    await expect(putPolicy("two", 241)).rejects.toThrow("Maximum policy size of 10240 bytes exceeded for role ci");
    await putPolicy("two", 240);
    await putPolicy("one", 9000);
    await putPolicy("three", 1000);
    const create = (input: Record<string, string>) => query("iam", input);
    await expect(create({ Action: "CreatePolicy", PolicyDocument: policy(6145) })).rejects.toThrow("PolicySize: 6144");
    await expect(
      create({ Action: "CreateRole", RoleName: "ci", AssumeRolePolicyDocument: policy(2049) }),
    ).rejects.toThrow("ACLSizePerRole: 2048");
    expect(await create({ Action: "CreateRole", RoleName: "ci", AssumeRolePolicyDocument: policy(2048) })).toBe(answer);
  });
});
