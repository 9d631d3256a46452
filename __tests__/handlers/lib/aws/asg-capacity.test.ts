import { beforeEach, describe, expect, it } from "vitest";
import { createAsgCapacity } from "../../../../handlers/lib/aws/asg-capacity.ts";
import type { Capacity, CapacityMember } from "../../../../handlers/lib/core/ports.ts";
import { registeredTag } from "../../../../handlers/lib/settings/asg-capacity.ts";
import { type AsgFake, asgClientsOver, awsError, createAsgFake } from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { createNotebookFake } from "../../../fakes/fleet-state.ts";
import { connectAsg, groupConfig, inputsOf, settle } from "./asg-harness.ts";

let clock: FakeClock;
let aws: AsgFake;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  aws = createAsgFake(clock, { min: 0, max: 20 });
  capacity = connectAsg(aws, clock);
});

const minutesAgo = (minutes: number) => new Date(clock.now().getTime() - minutes * 60_000);
const members = async () => (await capacity.read()).members;
const phases = async () => (await members()).map(({ phase }) => phase);

describe("reading", () => {
  it("gives each instance of the group, named by its id, as old as it is", async () => {
    aws.group.desired = 1;
    const { id } = aws.add({ launchTime: minutesAgo(7), tags: { AgentFleetsRole: "floor" } });
    expect(await capacity.read()).toEqual({
      kept: 0,
      members: [
        {
          id,
          agentName: id,
          role: "floor",
          phase: "running",
          launchedAt: minutesAgo(7),
          outdated: false,
          registered: false,
          neverRegistered: false,
        },
      ],
      launches: [],
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
    ["Terminating:Wait", "held"],
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

  it.each<[what: string, phase: CapacityMember["phase"], minutes: number, stateReason: string, tags?: object]>([
    ["has powered itself off at boot", "failed", 19, "Client.InstanceInitiatedShutdown"],
    ["has powered itself off after its boot", "stopping", 20, "Client.InstanceInitiatedShutdown"],
    ["somebody ended", "stopping", 3, "Client.UserInitiatedShutdown"],
    ["AWS took back", "stopping", 3, "Server.SpotInstanceTermination"],
    [
      "had registered",
      "stopping",
      3,
      "Client.InstanceInitiatedShutdown",
      { [registeredTag]: "true", AgentFleetsRole: "floor" },
    ],
  ])("fault B2: an instance that %s is %s, and another is on its way", async (_, phase, age, stateReason, tags = {}) => {
    aws.group.desired = 1;
    aws.add({
      state: "terminated",
      stateReason,
      launchTime: minutesAgo(age),
      tags: { AgentFleetsRole: "floor", ...tags },
    });
    expect(await phases()).toEqual([phase, "ordered"]);
    // What has failed holds no place in the floor.
    expect((await members())[0]?.role).toBe(phase === "failed" ? "burst" : "floor");
  });

  it("does not take an instance from the warm pool for leaving because EC2 still shows it stopped", async () => {
    aws.group.desired = 1;
    aws.add({ lifecycle: "Pending", state: "stopped" });
    expect(await phases()).toEqual(["pending"]);
  });

  it("does not take an instance in service for leaving because EC2 still shows it pending", async () => {
    aws.group.desired = 1;
    aws.add({ state: "pending" });
    expect(await phases()).toEqual(["running"]);
  });

  it.each([
    600, 50,
  ])("takes an instance that came to the warm pool %d minutes ago for as old as its launch into the group", async (age) => {
    const { id } = aws.add({ launchTime: minutesAgo(age) });
    aws.log({ Description: `Launching a new EC2 instance: ${id}`, StartTime: minutesAgo(age) });
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
    expect(inputsOf(aws, "DescribeInstances")).toHaveLength(2);
    expect(inputsOf(aws, "DescribeAutoScalingGroups")).toEqual([{ AutoScalingGroupNames: ["ci"] }]);
  });

  it("fails where AWS shows no such group, which is not the same as an empty one", async () => {
    await expect(connectAsg(aws, clock, "ci-2").read()).rejects.toThrow("ci-2 cannot be seen");
    const other = { AutoScalingGroupName: "ci-2", DesiredCapacity: 1, MinSize: 0, MaxSize: 1 };
    for (const answer of [{}, { AutoScalingGroups: [other] }]) {
      const blind = createAsgCapacity(groupConfig, {
        ...asgClientsOver(async () => answer),
        clock,
        notebook: createNotebookFake(),
      });
      await expect(blind.read()).rejects.toThrow("cannot be seen");
    }
    expect(await capacity.read()).toEqual({ kept: 0, members: [], launches: [] });
  });

  it.each([
    "DescribeAutoScalingGroups",
    "DescribeInstances",
    "DescribeScalingActivities",
  ])("fails when %s fails, rather than show a part", async (operation) => {
    settle(aws, 2);
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
      MinSize: 0,
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
    capacity = createAsgCapacity(groupConfig, { ...clients, clock, notebook: createNotebookFake() });
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

    await capacity.assignRole?.("ordered 1", "floor");
    expect(aws.calls.filter(({ operation }) => !operation.startsWith("Describe"))).toEqual([]);
  });

  it("is what the group lacks of those that count: not the leaving, not the warm, not those on standby", async () => {
    aws.group.desired = 4;
    for (const lifecycle of ["Pending:Wait", "InService", "Terminating:Wait", "Warmed:Stopped", "Standby"])
      aws.add({ lifecycle });
    expect(await phases()).toEqual(["pending", "running", "held", "ordered", "ordered"]);
  });

  it("is nothing where there are more than desired", async () => {
    settle(aws, 3);
    aws.group.desired = 1;
    expect(await phases()).toEqual(["running", "running", "running"]);
  });
});

describe("what a destroy would end", () => {
  it.each([
    ["InService", true],
    ["Pending:Wait", true],
    ["Terminating:Wait", true],
    ["Standby", true],
    ["OfTheFuture", true],
    ["Warmed:Stopped", false],
    ["Terminated", false],
  ])("counts an instance that is %s: %s", async (lifecycle, counts) => {
    const { id } = aws.add({ lifecycle });
    aws.group.desired = 0;
    expect(await capacity.remaining()).toEqual(counts ? [id] : []);
  });

  it("counts what the group is to launch, shown or not", async () => {
    aws.group.desired = 2;
    const { id } = aws.add({});
    expect(await capacity.remaining()).toEqual([id, "an instance that the group is to launch"]);
  });
});
