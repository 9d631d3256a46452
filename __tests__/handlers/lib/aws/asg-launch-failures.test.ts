import { beforeEach, describe, expect, it } from "vitest";
import { classifyActivityMessage } from "../../../../handlers/lib/aws/asg-launch-failures.ts";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, createAsgFake, type FakeInstance } from "../../../fakes/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { connectAsg, inputsOf, retire } from "./asg-harness.ts";

let clock: FakeClock;
let aws: AsgFake;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  aws = createAsgFake(clock, { min: 0, max: 20 });
  capacity = connectAsg(aws, clock);
});

const minutes = (count: number) => clock.advance(count * 60_000);
const failures = async (of = capacity) => (await of.read()).failedLaunchesLastHour;

const broken = "The image id '[ami-0123]' does not exist. Launching EC2 instance failed.";
const spot = "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity.";

/** An instance that powers itself off so many minutes after its launch, with what the group writes about it. */
function powersOff(after: number, changes: Partial<FakeInstance> = {}): FakeInstance {
  const instance = aws.add();
  aws.log({ Description: `Launching a new EC2 instance: ${instance.id}` });
  minutes(after);
  aws.end(instance);
  Object.assign(instance, { stateReason: "Client.InstanceInitiatedShutdown", ...changes });
  aws.log({
    Description: `Terminating EC2 instance: ${instance.id}`,
    Cause: "At … taken out of service in response to an EC2 health check indicating it has been terminated or stopped.",
  });
  return instance;
}

describe("why a launch failed", () => {
  it.each([
    ["capacity", "We currently do not have sufficient t3.large capacity in the Availability Zone you requested."],
    ["capacity", spot],
    ["capacity", "Could not launch Spot Instances. SpotMaxPriceTooLow - Your Spot request price is too low."],
    ["capacity", "There is no Spot capacity available that matches your request. Launching EC2 instance failed."],
    ["capacity", "InsufficientFreeAddressesInSubnet - There are not enough free addresses in subnet 'subnet-0'."],
    ["capacity", "Instance became unhealthy. Termination Reason: Server.SpotInstanceTermination"],
    ["quota", "You have requested more vCPU capacity than your current vCPU limit of 32 allows."],
    ["quota", "VcpuLimitExceeded"],
    ["quota", "MaxSpotInstanceCountExceeded - Max spot instance count exceeded"],
    ["throttling", "RequestLimitExceeded: Request limit exceeded."],
    ["throttling", "Server.InternalError: Internal error on launch"],
    ["configuration", broken],
    ["configuration", "Instance became unhealthy. Termination Reason: Client.InvalidKMSKey.InvalidState: The KMS key"],
    ["configuration", "Termination Reason: Client.InternalError: Client error on launch"],
    ["configuration", "You are not authorized to perform this operation. Launching EC2 instance failed."],
    ["configuration", "The security group 'sg-0' does not exist. Launching EC2 instance failed."],
    ["configuration", ""],
  ])("is %s: %s", (kind, message) => {
    expect(classifyActivityMessage(message)).toBe(kind);
  });
});

describe("launches in vain", () => {
  it("Spacelift defect 9: are those that a wrong setting fails, for an hour, and after a cold start too", async () => {
    aws.log({ StatusCode: "Failed", StatusMessage: broken });
    minutes(59);
    aws.log({ StatusCode: "Failed", StatusMessage: broken });
    expect(await failures()).toBe(2);
    minutes(1);
    expect(await failures()).toBe(1);
    expect(await failures(connectAsg(aws, clock))).toBe(1);
    minutes(59);
    expect(await failures()).toBe(0);
  });

  it("are none that a lack of capacity fails, nor those that were cancelled or are under way", async () => {
    for (let time = 0; time < 30; time += 1) aws.log({ StatusCode: "Failed", StatusMessage: spot });
    aws.log({ StatusCode: "Cancelled", StatusMessage: "the group's desired capacity has changed" });
    aws.log({ StatusCode: "InProgress" });
    aws.log({ Description: "Terminating EC2 instance: i-00000009", StatusCode: "Failed", StatusMessage: "odd" });
    aws.log({ Description: "Putting an instance on standby", StatusCode: "Failed", StatusMessage: "odd" });
    expect(await failures()).toBe(0);
  });

  it("Spacelift defect 9: are those whose boot gave up and powered them off, after a cold start too", async () => {
    const one = powersOff(3);
    const other = powersOff(14);
    expect(await failures()).toBe(2);
    // One that was stopped in the same moment is still one.
    one.tags.set("AgentFleetsNeverRegistered", new Date(clock.now().getTime() - 14 * 60_000).toISOString());
    expect(await failures()).toBe(2);
    aws.forget(one.id);
    aws.forget(other.id);
    expect(await failures(connectAsg(aws, clock))).toBe(2);
    minutes(50);
    expect(await failures()).toBe(1);
  });

  it("are no instances that ended by themselves after they could have worked, nor those that somebody ended", async () => {
    powersOff(20);
    const retired = aws.add();
    aws.log({ Description: `Launching a new EC2 instance: ${retired.id}` });
    aws.group.desired = 1;
    retire(aws, retired.id);
    expect(await failures()).toBe(0);
  });

  it("fault B2: are those too that stayed as long as their boot had to, and then gave up", async () => {
    powersOff(16);
    expect(await failures()).toBe(1);
    expect(await failures(connectAsg(aws, clock))).toBe(1);
  });

  it("are no Spot instances that AWS took back, not even once EC2 has forgotten them", async () => {
    const { id } = powersOff(3, { stateReason: "Server.SpotInstanceTermination" });
    expect(await failures()).toBe(0);
    aws.forget(id);
    expect(await failures()).toBe(0);
  });

  it("are told of a launch that fails long after it began, wherever it stands in the list", async () => {
    const slow = aws.log({ StatusCode: "InProgress" });
    minutes(1);
    for (let index = 0; index < 250; index += 1) aws.log({});
    expect(await failures()).toBe(0);
    Object.assign(slow, { StatusCode: "Failed", StatusMessage: broken, EndTime: clock.now() });
    expect(await failures()).toBe(1);
  });

  it("are read page by page as far back as an hour, and then only what is new", async () => {
    for (let index = 0; index < 950; index += 1) {
      aws.log({ StatusCode: "Failed", StatusMessage: broken });
      clock.advance(10_000);
    }
    const drained = { Description: "Terminating EC2 instance: i-1", StatusCode: "InProgress" as const };
    for (let index = 0; index < 60; index += 1) aws.log({ ...drained, StartTime: new Date(0) });
    for (let index = 0; index < 60; index += 1) aws.log(drained);
    expect(await failures()).toBe(359);
    expect(inputsOf(aws, "DescribeScalingActivities")).toHaveLength(7);
    aws.log({ StatusCode: "Failed", StatusMessage: broken });
    expect(await failures()).toBe(360);
    expect(inputsOf(aws, "DescribeScalingActivities")).toHaveLength(9);
  });
});
