import { beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, createAsgFake, type FakeInstance } from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { failedIn } from "../../../fixtures/launches.ts";
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
const failures = async (of = capacity) => failedIn(await of.read());

const broken = "The image id '[ami-0123]' does not exist. Launching EC2 instance failed.";
const spot = "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity.";

/** @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-healthchecks.html */
const takenOut = "an instance was taken out of service in response to an EC2";
const hasEnded = `${takenOut} health check indicating it has been terminated or stopped.`;
const isImpaired = `${takenOut} instance status checks failure.`;

/** An instance that powers itself off so many minutes after its launch, with what the group writes about it. */
function powersOff(after: number, changes: Partial<FakeInstance> = {}): FakeInstance {
  const instance = aws.add();
  aws.log({ Description: `Launching a new EC2 instance: ${instance.id}` });
  minutes(after);
  aws.end(instance);
  Object.assign(instance, { stateReason: "Client.InstanceInitiatedShutdown", ...changes });
  aws.log({
    Description: `Terminating EC2 instance: ${instance.id}`,
    Cause: `At … ${hasEnded}`,
  });
  return instance;
}

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

  it("are told with all launches of the hour, those that worked and those still open, after a cold start too", async () => {
    const launching = (id: string, changes = {}) =>
      aws.log({ Description: `Launching a new EC2 instance: ${id}`, ...changes });
    launching(aws.add({ tags: { AgentFleetsRegistered: "true" } }).id);
    minutes(61);
    const began = [0, 1, 2, 3].map((minute) => new Date(clock.now().getTime() + minute * 60_000));
    aws.log({ StatusCode: "Failed", StatusMessage: broken });
    minutes(1);
    launching(aws.add({ tags: { AgentFleetsRegistered: "true" } }).id);
    aws.log({ StatusCode: "Failed", StatusMessage: spot });
    minutes(1);
    launching(aws.add().id);
    minutes(1);
    launching(aws.add({ tags: { AgentFleetsNeverRegistered: clock.now().toISOString() } }).id);
    const expected = [
      { at: began[0], result: "failed" },
      { at: began[1], result: "worked" },
      { at: began[2], result: "open" },
      { at: began[3], result: "failed" },
    ];
    for (const each of [capacity, connectAsg(aws, clock)]) {
      const { launches } = await each.read();
      expect(launches.toSorted((one, other) => one.at.getTime() - other.at.getTime())).toEqual(expected);
    }
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

  it("are those that EC2 takes back before they are in service: a volume's key without a grant, a boot that gave up", async () => {
    const why = "Instance became unhealthy while waiting for instance to be in InService state. Termination Reason:";
    for (const reason of [
      "Client.InternalError: Client error on launch",
      "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
      "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
    ]) {
      const { id } = aws.add();
      const Description = `Launching a new EC2 instance: ${id}`;
      aws.log({ Description, StatusCode: "Cancelled", StatusMessage: `${why} ${reason}` });
      aws.log({ Description: `Terminating EC2 instance: ${id}`, Cause: `At … ${hasEnded}` });
    }
    expect(await failures()).toBe(3);
    expect(await failures(connectAsg(aws, clock))).toBe(3);
  });

  it("are none that Spot or a person takes back before they are in service", async () => {
    for (const reason of ["Server.SpotInstanceTermination", "Client.UserInitiatedShutdown: User initiated shutdown"]) {
      aws.log({ StatusCode: "Cancelled", StatusMessage: `Instance became unhealthy. Termination Reason: ${reason}` });
    }
    expect(await failures()).toBe(0);
  });

  it("are instances that fail EC2's status checks before their agent ever came, and no others", async () => {
    const ends = (id: string) =>
      aws.log({ Description: `Terminating EC2 instance: ${id}`, Cause: `At … ${isImpaired}` });
    const [never, worked, old] = [aws.add(), aws.add(), aws.add()];
    for (const { id } of [never, worked, old]) aws.log({ Description: `Launching a new EC2 instance: ${id}` });
    await capacity.read();
    await capacity.markRegistered?.([worked.id]);
    minutes(8);
    for (const instance of [never, worked]) aws.end(instance);
    ends(never.id);
    ends(worked.id);
    minutes(20);
    ends(old.id);
    expect(await failures()).toBe(1);
    expect(await failures(connectAsg(aws, clock))).toBe(1);
  });

  it.each([
    "Your requested instance type (t3.large) is not supported in your requested Availability Zone (us-west-2d).",
    "Could not launch Spot Instances. Unsupported - The requested configuration is currently not supported.",
    "something new",
    "Server.InternalError: Internal error on launch",
  ])("are those of one zone or type, or of a cause that passes, only while nothing else launches: %s", async (message) => {
    for (let time = 0; time < 30; time += 1) {
      aws.log({ StatusCode: "Failed", StatusMessage: message });
      clock.advance(1_000);
      aws.log({});
    }
    expect(await failures()).toBe(0);
    minutes(1);
    for (let time = 0; time < 5; time += 1) aws.log({ StatusCode: "Failed", StatusMessage: message });
    expect(await failures()).toBe(5);
  });

  it("are told once, in AWS's own words, and apart from want of room", async () => {
    const told = async (of = capacity) => {
      const { newLaunchFailures, newShortages } = await of.read();
      return { failures: newLaunchFailures, shortages: newShortages };
    };
    aws.log({ StatusCode: "Failed", StatusMessage: broken });
    minutes(1);
    for (const StatusMessage of [broken, spot, spot]) aws.log({ StatusCode: "Failed", StatusMessage });
    const slow = aws.log({ StatusCode: "InProgress" });
    expect(await told()).toEqual({
      failures: [{ kind: "configuration", message: broken, count: 1 }],
      shortages: [{ kind: "capacity", message: spot, count: 2 }],
    });
    expect(await told()).toEqual({});
    minutes(5);
    Object.assign(slow, { StatusCode: "Failed", StatusMessage: spot, EndTime: clock.now() });
    const impaired = aws.log({ Description: "Terminating EC2 instance: i-00000009", Cause: `At … ${isImpaired}` });
    const late = {
      failures: [{ kind: "capacity", message: impaired.Cause, count: 1 }],
      shortages: [{ kind: "capacity", message: spot, count: 1 }],
    };
    expect(await told()).toEqual(late);
    expect(await told(connectAsg(aws, clock))).toEqual(late);
    minutes(1);
    expect(await told(connectAsg(aws, clock))).toEqual({});
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

describe("a group of which the launches are suspended", () => {
  const message =
    "the group's process Launch is suspended: Administratively suspended: the group could not launch for a day";
  beforeEach(() => {
    aws.group.suspended = { Launch: "Administratively suspended: the group could not launch for a day" };
  });

  it("is asked for nothing, and says why", async () => {
    await capacity.read();
    const requested = [{ agentName: "ci_0", role: "burst" as const }];
    expect(await capacity.launch(requested)).toEqual({
      launched: 0,
      failures: [{ kind: "configuration", message, count: 1 }],
    });
    expect(aws.resizes).toEqual([]);
  });

  it("says so with every reading while instances are ordered, which would never come", async () => {
    expect((await capacity.read()).newLaunchFailures).toBeUndefined();
    aws.group.desired = 3;
    aws.add();
    for (let time = 0; time < 2; time += 1) {
      expect((await capacity.read()).newLaunchFailures).toEqual([{ kind: "configuration", message, count: 2 }]);
    }
  });

  it("is as any other where something else is suspended", async () => {
    aws.group.suspended = { AZRebalance: "User suspended at 2026-01-01T00:00:00Z" };
    aws.group.desired = 1;
    expect((await capacity.read()).newLaunchFailures).toBeUndefined();
  });
});
