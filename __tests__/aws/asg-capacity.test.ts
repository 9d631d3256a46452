import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { createAsgCapacity } from "../../handlers/aws/asg-capacity.ts";
import type { Capacity, CapacityMember, LaunchRequest } from "../../handlers/core/ports.ts";
import { type AsgFake, asgClientsOver, awsError, createAsgFake } from "../fakes/asg.ts";
import { createFakeClock, type FakeClock } from "../fakes/clock.ts";

let clock: FakeClock;
let aws: AsgFake;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  aws = createAsgFake(clock, { min: 0, max: 20 });
  capacity = connect();
});

/** A cold start. */
function connect(group = "ci"): Capacity {
  const clients = asgClientsOver(async (call) => aws.perform(call));
  return createAsgCapacity({ type: "asg", group }, { ...clients, clock });
}

const requests = (count: number): LaunchRequest[] =>
  Array.from({ length: count }, (_, index) => ({ agentName: `ci_${index}`, role: "burst" }));
const minutesAgo = (minutes: number) => new Date(clock.now().getTime() - minutes * 60_000);
const members = async () => (await capacity.read()).members;
const phases = async () => (await members()).map(({ phase }) => phase);
const callsOf = (operation: string) => aws.calls.filter((call) => call.operation === operation);

/** A group that has what it was asked for. */
function settled(count: number): void {
  aws.group.desired = count;
  for (let index = 0; index < count; index += 1) aws.add();
}

/** As the retirement workflow does it. */
function retire(id: string): void {
  const input = { InstanceId: id, ShouldDecrementDesiredCapacity: true };
  aws.perform({ operation: "TerminateInstanceInAutoScalingGroup", input });
}

describe("reading", () => {
  it("gives each instance of the group, named by its id, as old as it is", async () => {
    aws.group.desired = 1;
    const { id } = aws.add({ launchTime: minutesAgo(7), tags: { AgentFleetsRole: "floor" } });
    expect(await capacity.read()).toEqual({
      members: [{ id, agentName: id, role: "floor", phase: "running", launchedAt: minutesAgo(7), outdated: false }],
      failedLaunchesLastHour: 0,
    });
  });

  it.each<[lifecycle: string, phase: CapacityMember["phase"] | undefined]>([
    ["Pending", "pending"],
    ["Pending:Wait", "pending"],
    ["Pending:Proceed", "pending"],
    ["InService", "running"],
    ["ReplacingRootVolume:Wait", "running"],
    ["RootVolumeReplaced", "running"],
    ["Terminating", "stopping"],
    ["Terminating:Wait", "stopping"],
    ["Terminating:Proceed", "stopping"],
    ["Terminating:Retained", "stopping"],
    ["Quarantined", "stopping"],
    ["OfTheFuture", "stopping"],
    ["Terminated", undefined],
    ["Warmed:Stopped", undefined],
    ["Warmed:Running", undefined],
    ["Warmed:Pending:Wait", undefined],
    ["Warmed:Terminating", undefined],
    ["EnteringStandby", undefined],
    ["Standby", undefined],
    ["Detaching", undefined],
    ["Detached", undefined],
  ])("sees an instance that is %s as %s", async (lifecycle, phase) => {
    aws.add({ lifecycle });
    expect(await phases()).toEqual(phase ? [phase] : []);
  });

  it.each([
    "shutting-down",
    "terminated",
    "stopped",
  ] as const)("takes an instance that is %s for leaving before the group sees it, and its replacement for ordered", async (state) => {
    aws.group.desired = 1;
    aws.add({ state });
    expect(await phases()).toEqual(["stopping", "ordered"]);
  });

  it("does not take an instance from the warm pool for leaving because EC2 still shows it stopped", async () => {
    aws.group.desired = 1;
    aws.add({ lifecycle: "Pending", state: "stopped" });
    expect(await phases()).toEqual(["pending"]);
  });

  it("takes an instance from the warm pool for as old as its launch into the group", async () => {
    const { id } = aws.add({ launchTime: minutesAgo(600) });
    aws.log({ Description: `Launching a new EC2 instance: ${id}`, StartTime: minutesAgo(600) });
    aws.log({ Description: `Launching a new EC2 instance from warm pool: ${id}`, StartTime: minutesAgo(2) });
    expect((await members())[0]?.launchedAt).toEqual(minutesAgo(2));
  });

  it("takes an instance that EC2 does not show yet for a young one, which nobody stops", async () => {
    aws.add({ tags: { "aws:autoscaling:groupName": "" }, launchTime: minutesAgo(60) });
    expect((await members())[0]).toMatchObject({ launchedAt: clock.now(), role: undefined });
  });

  it.each([
    ["floor", "floor"],
    ["burst", "burst"],
    ["boss", undefined],
  ])("reads the role %s from the instance's tag as %s", async (tag, role) => {
    aws.add({ tags: { AgentFleetsRole: tag } });
    expect((await members())[0]?.role).toBe(role);
  });

  it("Semaphore defect 9: asks for the group by its exact name, and pages through its instances", async () => {
    for (let index = 0; index < 1200; index += 1) aws.add({ launchTime: minutesAgo(index) });
    aws.add({ lifecycle: undefined, tags: { "aws:autoscaling:groupName": "ci-other" } });
    const found = await members();
    expect(found).toHaveLength(1200);
    expect(found.at(-1)?.launchedAt).toEqual(minutesAgo(1199));
    expect(callsOf("DescribeInstances")).toHaveLength(2);
    expect(callsOf("DescribeAutoScalingGroups").map(({ input }) => input)).toEqual([{ AutoScalingGroupNames: ["ci"] }]);
  });

  it("fails where AWS shows no such group, which is not the same as an empty one", async () => {
    await expect(connect("ci-2").read()).rejects.toThrow("ci-2 cannot be seen");
    const clients = asgClientsOver(async () => ({}));
    const blind = createAsgCapacity({ type: "asg", group: "ci" }, { ...clients, clock });
    await expect(blind.read()).rejects.toThrow("cannot be seen");
    expect(await capacity.read()).toEqual({ members: [], failedLaunchesLastHour: 0 });
  });

  it.each([
    "DescribeAutoScalingGroups",
    "DescribeInstances",
    "DescribeScalingActivities",
  ])("fails when %s fails, rather than show a part", async (operation) => {
    settled(2);
    aws.refuse = (call) => (call.operation === operation ? awsError("InternalFailure", "oops", 500) : undefined);
    await expect(capacity.read()).rejects.toThrow("oops");
  });
});

describe("outdated instances", () => {
  const outdated = async () => (await members()).map((member) => member.outdated);

  it("are those of another version of the launch template", async () => {
    aws.add({ templateVersion: "2" });
    aws.add({ templateVersion: "3" });
    aws.add({ templateVersion: "4" });
    expect(await outdated()).toEqual([true, false, true]);
  });

  it.each(["$Latest", "$Default"])("cannot be told where the group launches %s", async (version) => {
    aws.group.template.version = version;
    aws.add({ templateVersion: "2" });
    expect(await outdated()).toEqual([undefined]);
  });

  it("are told by the template of each override, and by a template that the group no longer has", async () => {
    const specification = (id: string, version: string) => ({ LaunchTemplateId: id, Version: version });
    const instance = (id: string, template?: object) => ({ InstanceId: id, LifecycleState: "InService", ...template });
    const group = {
      AutoScalingGroupName: "ci",
      DesiredCapacity: 5,
      MaxSize: 9,
      MixedInstancesPolicy: {
        LaunchTemplate: {
          LaunchTemplateSpecification: specification("lt-x86", "5"),
          Overrides: [{ LaunchTemplateSpecification: specification("lt-arm", "7") }, { InstanceType: "t3.micro" }],
        },
      },
      Instances: [
        instance("i-1", { LaunchTemplate: specification("lt-x86", "5") }),
        instance("i-2", { LaunchTemplate: specification("lt-x86", "7") }),
        instance("i-3", { LaunchTemplate: specification("lt-arm", "7") }),
        instance("i-4", { LaunchTemplate: specification("lt-old", "5") }),
        instance("i-5"),
      ],
    };
    const clients = asgClientsOver(async ({ operation }) =>
      operation === "DescribeAutoScalingGroups" ? { AutoScalingGroups: [group] } : {},
    );
    capacity = createAsgCapacity({ type: "asg", group: "ci" }, { ...clients, clock });
    expect(await outdated()).toEqual([false, true, false, true, undefined]);
  });
});

describe("what AWS has still to launch", () => {
  it("is there as ordered, since when it is known, the oldest leaving first, and is never touched", async () => {
    aws.group.desired = 3;
    aws.add();
    expect((await members()).slice(1)).toEqual([
      { id: "ordered 1", agentName: "ordered 1", role: "burst", phase: "ordered", launchedAt: clock.now() },
      { id: "ordered 2", agentName: "ordered 2", role: "burst", phase: "ordered", launchedAt: clock.now() },
    ]);
    const first = clock.now();
    clock.advance(60_000);
    aws.group.desired = 4;
    expect((await members()).slice(1).map(({ launchedAt }) => launchedAt)).toEqual([first, first, clock.now()]);
    aws.add();
    aws.add();
    expect((await members()).slice(3).map(({ launchedAt }) => launchedAt)).toEqual([clock.now()]);

    await capacity.stopUnregistered("ordered 1", { mayReplace: true });
    await capacity.assignRole?.("ordered 1", "floor");
    expect(aws.calls.filter(({ operation }) => !operation.startsWith("Describe"))).toEqual([]);
  });

  it("is what the group lacks of those that count: not the leaving, not the warm, not those on standby", async () => {
    aws.group.desired = 4;
    for (const lifecycle of ["Pending:Wait", "InService", "Terminating:Wait", "Warmed:Stopped", "Standby"])
      aws.add({ lifecycle });
    expect(await phases()).toEqual(["pending", "running", "stopping", "ordered", "ordered"]);
  });

  it("is nothing where there are more than desired", async () => {
    settled(3);
    aws.group.desired = 1;
    expect(await phases()).toEqual(["running", "running", "running"]);
  });
});

describe("launching", () => {
  it("raises the desired capacity to an absolute number, whatever the group's cooldown", async () => {
    settled(2);
    await capacity.read();
    expect(await capacity.launch(requests(3))).toEqual({ launched: 3, failures: [] });
    expect(callsOf("SetDesiredCapacity").map(({ input }) => input)).toEqual([
      { AutoScalingGroupName: "ci", DesiredCapacity: 5, HonorCooldown: false },
    ]);
    expect(await phases()).toEqual(["running", "running", "ordered", "ordered", "ordered"]);
  });

  it("asks for nothing when nothing is to be launched", async () => {
    expect(await capacity.launch([])).toEqual({ launched: 0, failures: [] });
    expect(aws.calls).toEqual([]);
  });

  it("never asks for more than the group's maximum, and reports what it left out", async () => {
    settled(18);
    await capacity.read();
    const report = { launched: 2, failures: [{ kind: "quota", message: "the group's maximum is 20", count: 3 }] };
    expect(await capacity.launch(requests(5))).toEqual(report);
    expect(aws.resizes).toEqual([{ from: 18, to: 20 }]);
    await capacity.read();
    expect(await capacity.launch(requests(1))).toMatchObject({ launched: 0, failures: [{ count: 1 }] });
    expect(aws.resizes).toHaveLength(1);
  });

  it("launches once what two overlapping passes saw missing", async () => {
    settled(2);
    const other = connect();
    await Promise.all([capacity.read(), other.read()]);
    expect(await capacity.launch(requests(3))).toMatchObject({ launched: 3 });
    expect(await other.launch(requests(3))).toEqual({ launched: 0, failures: [] });
    expect(await other.launch(requests(1))).toEqual({ launched: 0, failures: [] });
    await other.read();
    expect(await other.launch(requests(1))).toMatchObject({ launched: 1 });
    expect(aws.group.desired).toBe(6);
  });

  it("launches what is missing beyond what another pass has launched", async () => {
    settled(2);
    const other = connect();
    await Promise.all([capacity.read(), other.read()]);
    await capacity.launch(requests(2));
    retire("i-00000001");
    expect(await other.launch(requests(5))).toMatchObject({ launched: 3 });
    expect(aws.group.desired).toBe(6);
  });

  it("launches in full when an instance was retired meanwhile", async () => {
    settled(3);
    await capacity.read();
    retire("i-00000001");
    expect(await capacity.launch(requests(2))).toMatchObject({ launched: 2 });
    expect(aws.group.desired).toBe(4);
  });

  it("launches again for a second request of the same pass", async () => {
    await capacity.read();
    await capacity.launch(requests(2));
    expect(await capacity.launch(requests(2))).toMatchObject({ launched: 2 });
    expect(aws.group.desired).toBe(4);
  });

  it.each<[kind: string, error: Error]>([
    ["throttling", awsError("ScalingActivityInProgressFault", "scaling activity in progress")],
    ["throttling", awsError("ResourceContentionFault", "pending update")],
    ["throttling", awsError("Throttling", "Rate exceeded")],
    ["throttling", awsError("InternalFailure", "oops", 500)],
    ["throttling", new Error("socket hang up")],
    ["quota", awsError("ValidationError", "New SetDesiredCapacity value 9 is above max value 5")],
    ["configuration", awsError("ValidationError", "AutoScalingGroup name not found")],
    ["configuration", awsError("AccessDenied", "not authorized")],
  ])("reports a refusal for %s: %s", async (kind, error) => {
    aws.refuse = ({ operation }) => (operation === "SetDesiredCapacity" ? error : undefined);
    await capacity.read();
    const report = await capacity.launch(requests(2));
    expect(report).toMatchObject({ launched: 0, failures: [{ kind, count: 2 }] });
    expect(report.failures[0]?.message).toContain(error.message);
  });

  it("fails when the group cannot be seen", async () => {
    await capacity.read();
    aws.refuse = () => awsError("AccessDenied", "not authorized");
    await expect(capacity.launch(requests(1))).rejects.toThrow("not authorized");
    expect(aws.resizes).toEqual([]);
  });

  it("Spacelift defect 6: never sets a lower number, whatever happens between its calls", async () => {
    const step = fc.oneof(
      fc.record({ does: fc.constantFrom("read", "launch", "stop"), by: fc.nat(1), count: fc.nat(9) }),
      fc.record({ does: fc.constantFrom("retire", "replace", "arrive", "standby"), by: fc.nat(1), count: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(3), async (steps, min) => {
        aws = createAsgFake(clock, { min, max: 12 });
        settled(min);
        const passes = [connect(), connect()];
        for (const { does, by, count } of steps) {
          const [pass] = passes.slice(by);
          const held = [...aws.instances.values()].filter(({ lifecycle }) => lifecycle === "InService");
          const chosen = held[count % Math.max(1, held.length)];
          const terminate = (decrement: boolean) => {
            const input = { InstanceId: chosen?.id, ShouldDecrementDesiredCapacity: decrement };
            if (chosen && !(decrement && aws.group.desired <= min))
              aws.perform({ operation: "TerminateInstanceInAutoScalingGroup", input });
          };
          if (does === "read") await pass?.read();
          if (does === "launch") await pass?.launch(requests(count));
          if (does === "stop" && chosen) await pass?.stopUnregistered(chosen.id, { mayReplace: true });
          if (does === "retire") terminate(true);
          if (does === "replace") terminate(false);
          if (does === "arrive" && held.length < aws.group.desired) aws.add();
          if (does === "standby" && chosen) chosen.lifecycle = "Standby";
        }
        expect(aws.resizes.filter(({ from, to }) => to <= from)).toEqual([]);
        expect(aws.group.desired).toBeLessThanOrEqual(12);
      }),
      { numRuns: 300 },
    );
  });
});
