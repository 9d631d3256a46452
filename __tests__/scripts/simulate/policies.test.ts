import { describe, expect, it } from "vitest";
import { fleetFor, policyNames } from "../../../scripts/simulate/index.ts";
import { type PresetName, presetNames, presets } from "../../../stacks/config/presets.ts";
import { policyOf } from "../../fixtures/policy.ts";
import { simulate } from "./harness.ts";

/** Two hours of jobs that come in groups of a few. */
const jobs = Array.from({ length: 120 }, (_, index) => ({
  at: Math.floor(index / 4) * 240 + (index % 4) * 3,
  seconds: 60 + ((index * 97) % 200),
}));

function runs(name: PresetName, more: Partial<Parameters<typeof simulate>[0]> = {}) {
  const { idleTimeoutSeconds, ...rules } = presets[name];
  return simulate({ jobs, boot: "lognormal:45s,0.3", ...more, rules, idleTimeoutSeconds });
}

describe("the named policies", () => {
  it("trade idle agents for shorter waits, in their order", async () => {
    const [cheap, balanced, fast] = [await runs("cheap"), await runs("balanced"), await runs("fast")];
    const spare = ({ hours }: typeof cheap) => hours.idle + hours.boot;
    expect(fast.wait.p95).toBeLessThan(balanced.wait.p95);
    expect(balanced.wait.p95).toBeLessThan(cheap.wait.p95);
    expect(spare(cheap)).toBeLessThan(spare(balanced));
    expect(spare(balanced)).toBeLessThan(spare(fast));
  });

  it.each(presetNames)("%s serves all, kills none and stays below max, whatever goes wrong", async (name) => {
    const faults = ["api-down", "webhook-loss", "task-fails", "slow-boot", "launch-refused", "cold-start"] as const;
    const { killed, neverServed, peak } = await runs(name, { faults });
    expect({ killed, neverServed }).toEqual({ killed: 0, neverServed: 0 });
    expect(peak).toBeLessThanOrEqual(20);
  });

  it("stand beside the config's own and the other systems', with the config's limits", () => {
    expect(policyNames.slice(0, 4)).toEqual(["ours", "cheap", "balanced", "fast"]);
    const fleet = {
      policy: policyOf({ min: 1, max: 7, buffer: 2 }),
      tickSeconds: 10,
      idleTimeoutSeconds: 300,
      maxLifetimeSeconds: 86_400,
      webhook: true,
      alwaysSingleUse: false,
    };
    expect(fleetFor("ours", fleet)).toBe(fleet);
    expect(fleetFor("buildkite-scaler", fleet)).toBe(fleet);
    const fast = fleetFor("fast", fleet);
    expect(fast.policy).toMatchObject({ min: 1, max: 7, buffer: 2, singleUse: false, launchPercent: 130 });
    expect(fast.idleTimeoutSeconds).toBe(presets.fast.idleTimeoutSeconds);
    // Agents of azure-devops leave after one job, whatever the policy.
    expect(fleetFor("fast", { ...fleet, alwaysSingleUse: true }).policy.singleUse).toBe(true);
  });
});
