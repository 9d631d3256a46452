import { beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, awsError, createAsgFake, type FakeInstance } from "../../../fakes/asg.ts";
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

describe("stopping an agent that never registered", () => {
  const terminations = () =>
    inputsOf(aws, "TerminateInstanceInAutoScalingGroup").map((input) => input.ShouldDecrementDesiredCapacity);
  const stop = (id: string, mayReplace = true) => capacity.stopUnregistered(id, { mayReplace });

  it("Spacelift defect 5: ends the named instance in one call, with decrement, so that the loop decides what follows", async () => {
    aws.group.desired = 2;
    const [stays, goes] = [aws.add(), aws.add()];
    await stop(goes.id);
    expect(terminations()).toEqual([true]);
    expect(aws.calls.map(({ operation }) => operation)).toEqual(["TerminateInstanceInAutoScalingGroup", "CreateTags"]);
    expect(aws.group.desired).toBe(1);
    expect((await capacity.read()).members).toMatchObject([
      { id: stays.id, phase: "running" },
      { id: goes.id, phase: "stopping" },
    ]);
  });

  it("counts as a launch in vain for an hour, once, even after a cold start or once EC2 has lost its tags", async () => {
    aws.group.desired = 1;
    const { id } = aws.add();
    await stop(id);
    expect(await failures(connectAsg(aws, clock))).toBe(1);
    expect(await failures()).toBe(1);
    aws.forget(id);
    minutes(59);
    expect(await failures()).toBe(1);
    minutes(1);
    expect(await failures()).toBe(0);
  });

  it("lets the group replace it where the group is at its minimum", async () => {
    aws.group.min = 1;
    aws.group.desired = 1;
    await stop(aws.add().id);
    expect(terminations()).toEqual([true, false]);
    expect(aws.group.desired).toBe(1);
    expect(await failures()).toBe(1);
  });

  it("Spacelift defect 9: leaves it as it is where only replacing is left and the circuit is open, which then closes", async () => {
    aws.group.min = 1;
    aws.group.desired = 1;
    const { id } = aws.add();
    await stop(id, false);
    expect(terminations()).toEqual([true]);
    expect((await capacity.read()).members).toMatchObject([{ id, phase: "running" }]);
    expect(await failures()).toBe(0);
  });

  it("fault B2: takes one that has powered itself off out of the group, counts it once, and needs no tag for it", async () => {
    aws.group.desired = 1;
    const { id } = aws.add({ state: "terminated", stateReason: "Client.InstanceInitiatedShutdown" });
    aws.refuse = ({ operation }) =>
      operation === "CreateTags" ? awsError("UnauthorizedOperation", "not authorized") : undefined;
    expect((await capacity.read()).members).toMatchObject([{ id, phase: "failed" }, { phase: "ordered" }]);
    await stop(id);
    expect(terminations()).toEqual([true]);
    expect(aws.group.desired).toBe(0);
    expect([await failures(), await failures()]).toEqual([1, 1]);
  });

  it("fault B2: counts one that its group has replaced meanwhile by what the group writes about it", async () => {
    const one = powersOff(3);
    await stop(one.id);
    expect(await failures()).toBe(1);
  });

  it("is done when the instance is not, or no longer, in the group", async () => {
    const gone = aws.add({ lifecycle: undefined });
    await stop(gone.id);
    await stop("i-never-was");
    expect(await failures()).toBe(0);
  });

  it("is done when EC2 forgets the instance before it is marked, and counts all the same", async () => {
    aws.group.desired = 1;
    const { id } = aws.add();
    aws.refuse = ({ operation }) =>
      operation === "CreateTags" ? awsError("InvalidInstanceID.NotFound", "does not exist") : undefined;
    await stop(id);
    expect(await failures()).toBe(1);
  });

  it.each(["TerminateInstanceInAutoScalingGroup", "CreateTags"])("fails when AWS refuses %s", async (refused) => {
    aws.group.desired = 1;
    const { id } = aws.add();
    aws.refuse = ({ operation }) => (operation === refused ? awsError("AccessDenied", "not authorized") : undefined);
    await expect(stop(id)).rejects.toThrow("not authorized");
  });

  it("does not force what AWS refuses for another reason than the minimum", async () => {
    aws.refuse = ({ operation }) =>
      operation.startsWith("Terminate") ? awsError("ScalingActivityInProgressFault", "busy") : undefined;
    await expect(stop("i-1")).rejects.toThrow("busy");
    expect(terminations()).toEqual([true]);
  });
});

describe("marking who has registered", () => {
  it("tags all instances at once, and remembers it for good", async () => {
    aws.group.desired = 2;
    const [one, two] = [aws.add(), aws.add()];
    expect((await capacity.read()).members.map(({ registered }) => registered)).toEqual([false, false]);
    await capacity.markRegistered?.([one.id, two.id]);
    expect(inputsOf(aws, "CreateTags")).toEqual([
      { Resources: [one.id, two.id], Tags: [{ Key: "AgentFleetsRegistered", Value: "true" }] },
    ]);
    const members = async (from = capacity) => (await from.read()).members.map(({ registered }) => registered);
    expect(await members(connectAsg(aws, clock))).toEqual([true, true]);
    one.tags.delete("AgentFleetsRegistered");
    expect(await members()).toEqual([true, true]);
  });

  it("remembers nobody that it could not tag: it would be forgotten with the next cold start", async () => {
    aws.group.desired = 1;
    const { id } = aws.add();
    aws.refuse = ({ operation }) => (operation === "CreateTags" ? awsError("Throttling", "slow down") : undefined);
    await expect(capacity.markRegistered?.([id])).rejects.toThrow("slow down");
    expect((await capacity.read()).members).toMatchObject([{ id, registered: false }]);
  });
});

describe("assigning a role", () => {
  it("tags the instance, and remembers it until EC2 shows the tag", async () => {
    aws.group.desired = 1;
    const instance = aws.add();
    await capacity.assignRole?.(instance.id, "floor");
    expect(inputsOf(aws, "CreateTags")).toEqual([
      { Resources: [instance.id], Tags: [{ Key: "AgentFleetsRole", Value: "floor" }] },
    ]);
    instance.tags.delete("AgentFleetsRole");
    expect((await capacity.read()).members).toMatchObject([{ role: "floor" }]);
    expect((await connectAsg(aws, clock).read()).members[0]?.role).toBeUndefined();
  });

  it("is done when the instance is gone, and fails when AWS refuses", async () => {
    await capacity.assignRole?.("i-never-was", "burst");
    aws.refuse = () => awsError("UnauthorizedOperation", "not authorized");
    await expect(capacity.assignRole?.("i-1", "burst")).rejects.toThrow("not authorized");
  });
});
