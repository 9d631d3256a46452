import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { expect, it } from "vitest";
import { createInstanceGroup } from "../../../../handlers/lib/aws/instance-group.ts";

const instance = "i-0123456789abcdef0";

/** Whether the group `ci` has the instance, by what Auto Scaling answers. */
function isMember(AutoScalingInstances?: readonly object[]): Promise<boolean> {
  const client = new AutoScalingClient({ region: "us-east-1" });
  return createInstanceGroup("ci", Object.assign(client, { send: async () => ({ AutoScalingInstances }) })).has(
    instance,
  );
}

it.each<[expected: boolean, what: string, answer?: readonly object[]]>([
  [true, "an instance of it", [{ InstanceId: instance, AutoScalingGroupName: "ci" }]],
  [false, "an instance of another group", [{ InstanceId: instance, AutoScalingGroupName: "ci-2" }]],
  [false, "another instance of it", [{ InstanceId: "i-00000000", AutoScalingGroupName: "ci" }]],
  [false, "an instance that Auto Scaling knows no more", []],
  [false, "an answer without instances"],
])("a group has (%s): %s", async (expected, _, answer) => {
  expect(await isMember(answer)).toBe(expected);
});

it("a question that fails is no answer", async () => {
  const client = new AutoScalingClient({ region: "us-east-1" });
  const down = Object.assign(client, { send: () => Promise.reject(new Error("down")) });
  await expect(createInstanceGroup("ci", down).has(instance)).rejects.toThrow("down");
});
