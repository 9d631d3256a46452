import { describe, expect, it } from "vitest";
import { parseBoot, run, simulatedFleet } from "../../../scripts/simulate/index.ts";
import { loadStacks } from "../../../stacks/config/load.ts";
import { someHours } from "./harness.ts";

const { stacks } = loadStacks({ env: {}, cwd: process.cwd() });
const isFleet = (kind: string) => kind === "ecs-fleet" || kind === "ec2-fleet";

describe("the shipped configs", () => {
  it.each(stacks.filter(({ config }) => isFleet(config.kind)))("$name is simulated", async (stack) => {
    const fleet = simulatedFleet(stack);
    const boot = parseBoot(fleet.usualBoot) ?? (() => Number.NaN);
    const result = await run({ fleet, trace: { name: "test", jobs: someHours }, seed: 1, boot, faults: new Set() });
    expect(result).toMatchObject({ jobs: someHours.length, served: someHours.length, killed: 0, lost: 0 });
    expect(result.functions.failures).toBe(0);
    expect(result.launches).toBeGreaterThan(0);
    expect(result.machineHours).toHaveLength(fleet.machines.length);
  });

  it("of Spacelift have a webhook where it is on, which tells of queued runs alone", () => {
    const fleets = stacks.filter(({ config }) => config.kind === "ec2-fleet");
    const seen = Object.fromEntries(
      fleets.map((stack) => {
        const { webhook, tellsQueuedOnly } = simulatedFleet(stack);
        return [stack.name, { webhook, tellsQueuedOnly }];
      }),
    );
    expect(seen).toMatchObject({
      "spacelift-autoscaler": { webhook: true, tellsQueuedOnly: true },
      "spacelift-amd64": { webhook: false },
      "semaphore-minimal": { webhook: false },
    });
  });

  it.each(stacks.filter(({ config }) => !isFleet(config.kind)))("$name is refused by its kind", (stack) => {
    expect(() => simulatedFleet(stack)).toThrow(`${stack.file}: kind: fleet simulate runs ecs-fleet and ec2-fleet`);
  });
});
