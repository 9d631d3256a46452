import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { EC2Client } from "@aws-sdk/client-ec2";
import { SSMClient } from "@aws-sdk/client-ssm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createInstanceCommands } from "../../../../handlers/lib/aws/instance-commands.ts";
import { createInstanceGroup } from "../../../../handlers/lib/aws/instance-group.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

const instance = "i-0123456789abcdef0";

let aws: HttpFake;
let clock: FakeClock;
let sent: unknown[];
/** What SSM says of the command, one answer after the other; the last stays. */
let invocations: (object | "unknown")[];
/** Instance → its group. */
let groups: Map<string, string>;

beforeEach(async () => {
  clock = createFakeClock();
  sent = [];
  invocations = [{ Status: "Success", StandardOutputContent: "idle\n" }];
  groups = new Map([[instance, "ci"]]);
  aws = await startHttpFake(answer);
});

afterEach(() => aws.close());

function answer({ headers, body }: FakeRequest): FakeAnswer {
  switch (headers["x-amz-target"]) {
    case "AmazonSSM.SendCommand":
      sent.push(JSON.parse(String(body)));
      return { status: 200, json: { Command: { CommandId: "11111111-2222-3333-4444-555555555555" } } };
    case "AmazonSSM.GetCommandInvocation": {
      const [next = {}] = invocations.length > 1 ? invocations.splice(0, 1) : invocations;
      if (next === "unknown") return refusal("InvocationDoesNotExist");
      return { status: 200, json: next };
    }
    default: {
      const asked = new URLSearchParams(String(body)).get("InstanceIds.member.1") ?? "";
      const group = groups.get(asked);
      const members = group
        ? `<member><InstanceId>${asked}</InstanceId><AutoScalingGroupName>${group}</AutoScalingGroupName></member>`
        : "";
      const text = `<DescribeAutoScalingInstancesResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeAutoScalingInstancesResult><AutoScalingInstances>${members}</AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>`;
      return { status: 200, headers: { "content-type": "text/xml" }, text };
    }
  }
}

function refusal(type: string): FakeAnswer {
  return { status: 400, json: { __type: type, message: type } };
}

function setUp() {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const options = { endpoint: aws.url, region: "us-east-1", credentials, maxAttempts: 1 };
  const group = createInstanceGroup(["ci"], {
    autoScaling: new AutoScalingClient(options),
    ec2: new EC2Client(options),
    clock,
  });
  return { group, commands: createInstanceCommands({ ssm: new SSMClient(options), group, clock }) };
}

describe("commands on instances", () => {
  it("runs a script of ours by its name, with a time limit, and tells what it printed", async () => {
    expect(await setUp().commands.run(instance, "drain")).toBe("idle");
    expect(sent).toEqual([
      {
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [instance],
        Comment: "agent-fleets",
        TimeoutSeconds: 30,
        Parameters: { commands: ["/opt/agent-fleets/drain"], executionTimeout: ["30"] },
      },
    ]);
  });

  it("waits while SSM does not know the command yet, delivers it and runs it", async () => {
    const { commands } = setUp();
    invocations = ["unknown", { Status: "Pending" }, { Status: "Delayed" }, { Status: "InProgress" }, ...invocations];
    expect(await commands.run(instance, "drain")).toBe("idle");
    expect(clock.sleeps).toHaveLength(4);
  });

  it.each([
    "Failed",
    "TimedOut",
    "Cancelled",
    "Undeliverable",
  ])("throws when the command ends as %s", async (Status) => {
    invocations = [{ Status, StatusDetails: Status, ResponseCode: 3 }];
    await expect(setUp().commands.run(instance, "drain")).rejects.toThrow(`ended as ${Status} with exit code 3`);
  });

  it("throws when there is no answer in time", async () => {
    invocations = [{ Status: "InProgress" }];
    await expect(setUp().commands.run(instance, "drain")).rejects.toThrow("did not answer in time");
    expect(clock.sleeps.length).toBeLessThan(60);
  });

  it("throws for an instance that is there but not connected: it may be working all the same", async () => {
    aws.fail({ when: isSend, answer: refusal("InvalidInstanceId") });
    await expect(setUp().commands.run(instance, "drain")).rejects.toThrow("not connected");
  });

  it("resolves to undefined for an instance that is no more", async () => {
    groups.clear();
    aws.fail({ when: isSend, answer: refusal("InvalidInstanceId") });
    expect(await setUp().commands.run(instance, "drain")).toBeUndefined();
  });

  it("throws when nothing can be learnt at all", async () => {
    aws.fail({ answer: { status: 500 } });
    await expect(setUp().commands.run(instance, "drain")).rejects.toThrow();
  });

  it.each([
    "",
    "drain; reboot",
    "../bin/sh",
    "/bin/sh",
    "$(id)",
    "a b",
    "-x",
    "drain\nreboot",
  ])("takes %j for no script", async (script) => {
    await expect(setUp().commands.run(instance, script)).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });
});

describe("the instances of a group", () => {
  it("are those that Auto Scaling knows in it, and no others", async () => {
    const { group } = setUp();
    groups.set("i-00000001", "another");
    expect(await group.has(instance)).toBe(true);
    expect(await group.has("i-00000001")).toBe(false);
    expect(await group.has("i-00000002")).toBe(false);
  });
});

function isSend({ headers }: FakeRequest): boolean {
  return headers["x-amz-target"] === "AmazonSSM.SendCommand";
}
