import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Capacity } from "../../../../handlers/lib/core/ports.ts";
import { type AsgFake, awsError, createAsgFake } from "../../../../scripts/simulate/world/asg.ts";
import { createFakeClock, type FakeClock } from "../../../fakes/clock.ts";
import { connectAsg, inputsOf, requests, retire, settle } from "./asg-harness.ts";

let clock: FakeClock;
let aws: AsgFake;
let capacity: Capacity;

beforeEach(() => {
  clock = createFakeClock();
  aws = createAsgFake(clock, { min: 0, max: 20 });
  capacity = connectAsg(aws, clock);
});

describe("launching", () => {
  it("raises the desired capacity to an absolute number, whatever the group's cooldown", async () => {
    settle(aws, 2);
    await capacity.read();
    expect(await capacity.launch(requests(3))).toEqual({ launched: 3, failures: [] });
    expect(inputsOf(aws, "SetDesiredCapacity")).toEqual([
      { AutoScalingGroupName: "ci", DesiredCapacity: 5, HonorCooldown: false },
    ]);
    expect((await capacity.read()).members.map(({ phase }) => phase)).toEqual([
      "running",
      "running",
      "ordered",
      "ordered",
      "ordered",
    ]);
  });

  it("asks for nothing when nothing is to be launched", async () => {
    expect(await capacity.launch([])).toEqual({ launched: 0, failures: [] });
    expect(aws.calls).toEqual([]);
  });

  it("never asks for more than the group's maximum, and reports what it left out", async () => {
    settle(aws, 18);
    await capacity.read();
    const report = { launched: 2, failures: [{ kind: "quota", message: "the group's maximum is 20", count: 3 }] };
    expect(await capacity.launch(requests(5))).toEqual(report);
    expect(aws.resizes).toEqual([{ from: 18, to: 20 }]);
    await capacity.read();
    expect(await capacity.launch(requests(1))).toMatchObject({ launched: 0, failures: [{ count: 1 }] });
    expect(aws.resizes).toHaveLength(1);
  });

  it("launches once what two overlapping passes saw missing", async () => {
    settle(aws, 2);
    const other = connectAsg(aws, clock);
    await Promise.all([capacity.read(), other.read()]);
    expect(await capacity.launch(requests(3))).toMatchObject({ launched: 3 });
    expect(await other.launch(requests(3))).toEqual({ launched: 0, failures: [] });
    expect(await other.launch(requests(1))).toEqual({ launched: 0, failures: [] });
    await other.read();
    expect(await other.launch(requests(1))).toMatchObject({ launched: 1 });
    expect(aws.group.desired).toBe(6);
  });

  it("launches what is missing beyond what another pass has launched", async () => {
    settle(aws, 2);
    const other = connectAsg(aws, clock);
    await Promise.all([capacity.read(), other.read()]);
    await capacity.launch(requests(2));
    retire(aws, "i-00000001");
    expect(await other.launch(requests(5))).toMatchObject({ launched: 3 });
    expect(aws.group.desired).toBe(6);
  });

  it("launches in full when an instance was retired meanwhile", async () => {
    settle(aws, 3);
    await capacity.read();
    retire(aws, "i-00000001");
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

  it("reports a refusal for all that were asked for, those too for which there was no room", async () => {
    settle(aws, 19);
    aws.refuse = ({ operation }) =>
      operation === "SetDesiredCapacity" ? awsError("AccessDenied", "not authorized") : undefined;
    await capacity.read();
    expect(await capacity.launch(requests(3))).toMatchObject({ launched: 0, failures: [{ count: 3 }] });
  });

  it("fails when the group cannot be seen", async () => {
    await capacity.read();
    aws.refuse = () => awsError("AccessDenied", "not authorized");
    await expect(capacity.launch(requests(1))).rejects.toThrow("not authorized");
    expect(aws.resizes).toEqual([]);
  });

  it("Spacelift defect 6: never sets less than the group holds, whatever happens between its calls", async () => {
    const step = fc.oneof(
      fc.record({ does: fc.constantFrom("read", "launch", "withdraw"), by: fc.nat(1), count: fc.nat(9) }),
      fc.record({ does: fc.constantFrom("retire", "replace", "arrive", "standby"), by: fc.nat(1), count: fc.nat(9) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(3), async (steps, min) => {
        aws = createAsgFake(clock, { min, max: 12 });
        settle(aws, min);
        const passes = [connectAsg(aws, clock), connectAsg(aws, clock)];
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
          if (does === "withdraw") {
            const counted = [...aws.instances.values()].filter(({ lifecycle }) => lifecycle !== "Standby");
            const lowest = Math.min(aws.group.desired, counted.length);
            await pass?.withdraw(count);
            expect(aws.group.desired).toBeGreaterThanOrEqual(lowest);
          }
          if (does === "retire") terminate(true);
          if (does === "replace") terminate(false);
          if (does === "arrive" && held.length < aws.group.desired) aws.add();
          if (does === "standby" && chosen) chosen.lifecycle = "Standby";
        }
        expect(aws.group.desired).toBeLessThanOrEqual(12);
      }),
      { numRuns: 300 },
    );
  });
});
