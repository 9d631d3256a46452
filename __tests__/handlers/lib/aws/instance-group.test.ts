import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createInstanceGroup } from "../../../../handlers/lib/aws/instance-group.ts";
import { asgClientsOver, awsError, createAsgFake } from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock } from "../../../fakes/clock.ts";

const instance = "i-0123456789abcdef0";
const clock = createFakeClock();

function groupOver(perform: (operation: string) => object) {
  return createInstanceGroup(["ci"], { ...asgClientsOver(async ({ operation }) => perform(operation)), clock });
}

describe("whether an instance is in the group", () => {
  it.each<[expected: boolean, what: string, answer?: readonly object[]]>([
    [true, "an instance of it", [{ InstanceId: instance, AutoScalingGroupName: "ci" }]],
    [false, "an instance of another group", [{ InstanceId: instance, AutoScalingGroupName: "ci-2" }]],
    [false, "another instance of it", [{ InstanceId: "i-00000000", AutoScalingGroupName: "ci" }]],
    [false, "an instance that Auto Scaling knows no more", []],
    [false, "an answer without instances"],
  ])("is %s for %s", async (expected, _, AutoScalingInstances) => {
    expect(await groupOver(() => ({ AutoScalingInstances })).has(instance)).toBe(expected);
  });

  it("is true for an instance of either of two groups, and for none of a third", async () => {
    const of = (group: string) =>
      createInstanceGroup(["ci", "ci-on-demand"], {
        ...asgClientsOver(async () => ({
          AutoScalingInstances: [{ InstanceId: instance, AutoScalingGroupName: group }],
        })),
        clock,
      }).has(instance);
    expect(await Promise.all(["ci", "ci-on-demand", "ci-2"].map(of))).toEqual([true, true, false]);
  });

  it("is not answered by a question that fails", async () => {
    const down = groupOver(() => {
      throw new Error("down");
    });
    await expect(down.has(instance)).rejects.toThrow("down");
  });
});

/** What counts most comes first. */
const facts = ["left", "registered", "never-registered"] as const;

describe("an instance's word on its agent", () => {
  const aws = createAsgFake(clock, { min: 0, max: 9 });
  const group = createInstanceGroup(["ci"], { ...asgClientsOver(async (call) => aws.perform(call)), clock });

  it("is kept as a tag, where the loop reads it, and can be asked for", async () => {
    const { id, tags } = aws.add();
    expect(await group.wordOf(id)).toBeUndefined();
    await group.note(id, "never-registered");
    expect(await group.wordOf(id)).toBe("never-registered");
    await group.note(id, "registered");
    expect(Object.fromEntries(tags)).toMatchObject({
      AgentFleetsRegistered: "true",
      AgentFleetsNeverRegistered: clock.now().toISOString(),
    });
    expect(await group.wordOf(id)).toBe("registered");
    await group.note(id, "left");
    expect(await group.wordOf(id)).toBe("left");
  });

  it("counts the same in whatever order, and however often, its words come", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...facts), { maxLength: 6 }), async (said) => {
        const { id } = aws.add();
        for (const fact of said) await group.note(id, fact);
        expect(await group.wordOf(id)).toBe(facts.find((fact) => said.includes(fact)));
      }),
    );
  });

  it("of an instance that EC2 does not know is none, and fails nothing", async () => {
    await group.note("i-ffffffff", "registered");
    expect(await group.wordOf("i-ffffffff")).toBeUndefined();
  });

  it("of another instance does not count, and a question that fails is no answer", async () => {
    const odd = {
      Reservations: [{ Instances: [{ InstanceId: "i-1", Tags: [{ Key: "AgentFleetsNeverRegistered" }] }] }],
    };
    expect(await groupOver(() => odd).wordOf(instance)).toBeUndefined();
    const denied = groupOver(() => {
      throw awsError("UnauthorizedOperation", "denied");
    });
    await expect(denied.wordOf(instance)).rejects.toThrow("denied");
    await expect(denied.note(instance, "registered")).rejects.toThrow("denied");
  });
});

it("counts the instances of all its groups that have launched and whose agents have said nothing yet", async () => {
  const aws = createAsgFake(clock, { min: 0, max: 9 });
  const group = createInstanceGroup(["ci"], { ...asgClientsOver(async (call) => aws.perform(call)), clock });
  expect(await group.starting()).toBe(0);
  for (const tag of [
    "AgentFleetsRegistered",
    "AgentFleetsNeverRegistered",
    "AgentFleetsLeft",
    "AgentFleetsRole",
    "Name",
  ])
    aws.add({ tags: { [tag]: "true" } });
  expect(await group.starting()).toBe(2);
});
