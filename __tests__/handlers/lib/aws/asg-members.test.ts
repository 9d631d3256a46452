import { beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, awsError, createAsgFake } from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { failedIn } from "../../../fixtures/launches.ts";
import { connectAsg, inputsOf, settle } from "./asg-harness.ts";

let clock: FakeClock;
let aws: AsgFake;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  aws = createAsgFake(clock, { min: 0, max: 20 });
  capacity = connectAsg(aws, clock);
});

const failures = async () => failedIn(await capacity.read());

describe("discarding an instance that AWS calls dead", () => {
  const terminations = () =>
    inputsOf(aws, "TerminateInstanceInAutoScalingGroup").map((input) => input.ShouldDecrementDesiredCapacity);
  const discard = (id: string, mayReplace = true) => capacity.discard?.(id, { mayReplace });

  /** One that powered itself off at boot, as the capacity has seen it. */
  async function dead(): Promise<string> {
    aws.group.desired += 1;
    const { id } = aws.add({ state: "terminated", stateReason: "Client.InstanceInitiatedShutdown" });
    await capacity.read();
    return id;
  }

  it("Spacelift defect 5: ends it by name in one call, with decrement, and counts it for an hour, once", async () => {
    aws.refuse = ({ operation }) =>
      operation === "CreateTags" ? awsError("UnauthorizedOperation", "not authorized") : undefined;
    await discard(await dead());
    expect(terminations()).toEqual([true]);
    expect(aws.group.desired).toBe(0);
    expect([await failures(), await failures()]).toEqual([1, 1]);
    clock.advance(3_600_000);
    expect(await failures()).toBe(0);
  });

  it("is still counted after a cold start, and once EC2 has forgotten the instance", async () => {
    const notebook = createNotebookFake();
    capacity = connectAsg(aws, clock, "ci", notebook);
    const id = await dead();
    await discard(id);
    aws.forget(id);
    clock.advance(3_540_000);
    capacity = connectAsg(aws, clock, "ci", notebook);
    expect(await failures()).toBe(1);
    clock.advance(60_000);
    expect(await failures()).toBe(0);
  });

  it("is told once as a launch that failed, by the next reading here or after a cold start", async () => {
    const told = async (by: Capacity) => (await by.read()).newLaunchFailures;
    const once = [{ kind: "configuration", message: "an agent never registered", count: 1 }];
    const notebook = createNotebookFake();
    capacity = connectAsg(aws, clock, "ci", notebook);
    await discard(await dead());
    expect([await told(capacity), await told(capacity)]).toEqual([once, undefined]);
    expect(await told(connectAsg(aws, clock, "ci", notebook))).toBeUndefined();
    await discard(await dead());
    const next = connectAsg(aws, clock, "ci", notebook);
    expect([await told(next), await told(next), await told(capacity)]).toEqual([once, undefined, undefined]);
  });

  it("lets the group replace it where the group is at its minimum, but not while the circuit is open", async () => {
    aws.group.min = 1;
    const id = await dead();
    await discard(id, false);
    expect(terminations()).toEqual([true]);
    expect(await failures()).toBe(0);
    await discard(id);
    expect(terminations()).toEqual([true, true, false]);
    expect(aws.group.desired).toBe(1);
  });

  it("ends nothing that it has not seen dead, whatever it is told", async () => {
    settle(aws, 2);
    await capacity.read();
    await discard("i-00000001");
    await discard("i-never-was");
    expect(terminations()).toEqual([]);
  });

  it("is done when the instance is no longer in the group", async () => {
    const id = await dead();
    aws.forget(id);
    await discard(id);
    expect(await failures()).toBe(0);
  });

  it.each([
    ["AccessDenied", "not authorized"],
    ["ScalingActivityInProgressFault", "busy"],
  ])("fails when AWS refuses with %s, and forces nothing", async (name, message) => {
    const id = await dead();
    aws.refuse = ({ operation }) => (operation.startsWith("Terminate") ? awsError(name, message) : undefined);
    await expect(discard(id)).rejects.toThrow(message);
    expect(terminations()).toEqual([true]);
  });
});

describe("withdrawing orders", () => {
  it("lowers the desired capacity by as many, and orders nothing anew", async () => {
    settle(aws, 2);
    aws.group.desired = 10;
    await capacity.read();
    expect(await capacity.withdraw(5)).toBe(5);
    expect(aws.group.desired).toBe(5);
    expect((await capacity.read()).members).toHaveLength(5);
  });

  it.each([
    ["in service", "InService"],
    ["on its way", "Pending:Wait"],
    ["leaving", "Terminating:Wait"],
  ])("never goes below what the group holds in any state: an instance %s counts", async (_, lifecycle) => {
    settle(aws, 2);
    aws.add({ lifecycle });
    aws.group.desired = 8;
    await capacity.read();
    expect(await capacity.withdraw(8)).toBe(5);
    expect(aws.group.desired).toBe(3);
  });

  it("never goes below the group's minimum, and does nothing where there is no order", async () => {
    aws.group.min = 3;
    aws.group.desired = 5;
    expect(await capacity.withdraw(9)).toBe(2);
    expect(await capacity.withdraw(1)).toBe(0);
    expect(aws.resizes).toEqual([{ from: 5, to: 3 }]);
  });

  it("is not done while the group could choose an instance that is not protected: it might have a job", async () => {
    settle(aws, 2);
    aws.add({ protected: false });
    aws.group.desired = 9;
    expect(await capacity.withdraw(6)).toBe(0);
    expect(aws.resizes).toEqual([]);
  });

  it("is made good for where AWS launched one all the same: the next launch starts from what is there", async () => {
    settle(aws, 3);
    aws.group.desired = 2;
    await capacity.read();
    expect(await capacity.launch([{ agentName: "ci_1", role: "burst" }])).toEqual({ launched: 1, failures: [] });
    expect(aws.group.desired).toBe(4);
  });
});

describe("what an operator should know", () => {
  it("is that somebody, or AWS after a day of failures, suspended launching", async () => {
    const reason = "Autoscaling suspended: failed launches";
    aws.group.suspended = { Launch: reason, AZRebalance: "User suspended" };
    aws.group.desired = 1;
    expect((await capacity.read()).newLaunchFailures).toMatchObject([
      { message: `the group's process Launch is suspended: ${reason}`, count: 1 },
    ]);
  });
});

describe("what instances say of their agents", () => {
  it("is read from their tags: one that never registered says so itself", async () => {
    aws.add({ tags: { AgentFleetsNeverRegistered: "2026-01-01T00:00:00.000Z" } });
    expect((await capacity.read()).members).toMatchObject([{ neverRegistered: true, registered: false }]);
  });

  const never = () => ({ AgentFleetsNeverRegistered: clock.now().toISOString() });
  const settled = async (from: Capacity) => {
    const reading = await from.read();
    const [{ neverRegistered, registered } = {}] = reading.members;
    return { neverRegistered, registered, failed: failedIn(reading) };
  };
  const healthy = { neverRegistered: false, registered: true, failed: 0 };

  it("one that registered is no failed launch, whatever else it said, after a cold start too", async () => {
    aws.add({ tags: { ...never(), AgentFleetsRegistered: "true" } });
    expect(await settled(capacity)).toEqual(healthy);
    expect(await settled(connectAsg(aws, clock))).toEqual(healthy);
  });

  it("one that registered, as this word comes late, is a failed launch no more, after a cold start too", async () => {
    const notebook = createNotebookFake();
    capacity = connectAsg(aws, clock, "ci", notebook);
    const { tags } = aws.add({ tags: never() });
    expect(await settled(capacity)).toEqual({ neverRegistered: true, registered: false, failed: 1 });
    tags.set("AgentFleetsRegistered", "true");
    expect(await settled(capacity)).toEqual(healthy);
    expect(await settled(connectAsg(aws, clock, "ci", notebook))).toEqual(healthy);
  });

  it("one that registered stays so when it says otherwise later, and EC2 shows the first word late", async () => {
    const { id, tags } = aws.add();
    await capacity.read();
    await capacity.markRegistered?.([id]);
    tags.delete("AgentFleetsRegistered");
    tags.set("AgentFleetsNeverRegistered", clock.now().toISOString());
    expect(await settled(capacity)).toEqual(healthy);
  });

  it("failed launches of others are still written down when one of them turns out to be none", async () => {
    const notebook = createNotebookFake();
    capacity = connectAsg(aws, clock, "ci", notebook);
    const [one, other] = [aws.add({ tags: never() }), aws.add()];
    expect(failedIn(await capacity.read())).toBe(1);
    one.tags.set("AgentFleetsRegistered", "true");
    other.tags.set("AgentFleetsNeverRegistered", clock.now().toISOString());
    expect(failedIn(await capacity.read())).toBe(1);
    aws.forget(other.id);
    expect(failedIn(await connectAsg(aws, clock, "ci", notebook).read())).toBe(1);
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

  it("marks those that EC2 knows where it does not know one of them yet", async () => {
    aws.group.desired = 2;
    const [one, two] = [aws.add(), aws.add()];
    const known = { ...two };
    aws.refuse = ({ operation, input }) =>
      operation === "CreateTags" && String(input.Resources).includes(one.id)
        ? awsError("InvalidInstanceID.NotFound", "does not exist")
        : undefined;
    await capacity.markRegistered?.([one.id, known.id]);
    expect((await capacity.read()).members.map(({ registered }) => registered)).toEqual([false, true]);
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

  it("is done again, tick by tick, until EC2 knows the instance", async () => {
    aws.group.desired = 1;
    const { id } = aws.add();
    aws.refuse = ({ operation }) =>
      operation === "CreateTags" ? awsError("InvalidInstanceID.NotFound", "does not exist") : undefined;
    await capacity.assignRole?.(id, "floor");
    expect((await capacity.read()).members).toMatchObject([{ role: undefined }]);
    aws.refuse = undefined;
    await capacity.assignRole?.(id, "floor");
    expect((await capacity.read()).members).toMatchObject([{ role: "floor" }]);
  });

  it("is no business of an order, and fails when AWS refuses", async () => {
    await capacity.assignRole?.("ordered 1", "burst");
    expect(aws.calls).toEqual([]);
    aws.refuse = () => awsError("UnauthorizedOperation", "not authorized");
    await expect(capacity.assignRole?.("i-1", "burst")).rejects.toThrow("not authorized");
  });
});
