import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Cause, type HostGroupSettings, tasksKilled } from "../fakes/host-group.ts";
import { synthCluster } from "./ecs-cluster.ts";
import { theOnly } from "./synth.ts";

/** What the stack sets, as the model wants it. */
function settingsOfStack(): HostGroupSettings {
  const stack = synthCluster();
  const group = theOnly(stack, "aws_autoscaling_group");
  const provider = theOnly(stack, "aws_ecs_capacity_provider").auto_scaling_group_provider as Record<string, unknown>;
  return {
    managedDraining: provider.managed_draining === "ENABLED",
    managedTerminationProtection: provider.managed_termination_protection === "ENABLED",
    protectFromScaleIn: group.protect_from_scale_in === true,
    rebalances: !(group.suspended_processes as string[]).includes("AZRebalance"),
  };
}

const settings = settingsOfStack();
const hour = fc.integer({ min: 0, max: 500 });
const cause = fc.constantFrom<Cause>("scale-in", "refresh", "lifetime", "rebalance");
/** Hours that tasks still have. */
const left = fc.array(fc.integer({ min: 1, max: 48 }), { minLength: 1, maxLength: 5 });

const worst = (changed: Partial<HostGroupSettings>, hoursLeft: number, why: Cause) =>
  tasksKilled({ ...settings, ...changed }, { taskEnds: [hoursLeft] }, why, 0);

describe("on a model of Auto Scaling and ECS, a host", () => {
  it("is not taken from under an agent, whyever it is to go, as long as the agent leaves within two days", () => {
    fc.assert(
      fc.property(hour, cause, left, (now, why, hours) => {
        expect(tasksKilled(settings, { taskEnds: hours.map((each) => now + each) }, why, now)).toBe(0);
      }),
    );
  });

  it("goes after two days, whoever is on it: hence the warning of long lifetimes", () => {
    expect(worst({}, 49, "refresh")).toBe(1);
    expect(worst({}, 49, "scale-in")).toBe(0);
  });

  it.each<[Partial<HostGroupSettings>, Cause]>([
    [{ managedDraining: false }, "refresh"],
    [{ managedDraining: false }, "lifetime"],
    [{ managedDraining: false, managedTerminationProtection: false }, "scale-in"],
    [{ managedDraining: false, protectFromScaleIn: false }, "scale-in"],
    [{ managedDraining: false, rebalances: true }, "rebalance"],
  ])("with %o would be taken by a %s", (changed, why) => {
    expect(worst(changed, 2, why)).toBe(1);
  });
});
