import { describe, expect, it } from "vitest";
import { burst, simulate, someHours } from "./harness.ts";

const fleet = { notifiedRunSeconds: 7200 };
const jobs = Array.from({ length: 40 }, (_, index) => ({ at: index * 60, seconds: 200 }));

describe("a fleet whose runs are known by notifications only", () => {
  it("launches an agent per notified run, and one more at most where an agent is seen to end before its run", async () => {
    const { wait, launches, killed, served } = await simulate({ jobs: burst(6), fleet });
    expect({ killed, served }).toEqual({ killed: 0, served: 6 });
    expect(launches).toBeGreaterThanOrEqual(6);
    expect(launches).toBeLessThanOrEqual(7);
    // The last message may come after a tick, and the next one is ten seconds later.
    expect(wait.max).toBeLessThan(45 + 2 + 10 + 5);
  });

  it("asks the vendor nothing", async () => {
    const { calls } = await simulate({ jobs: someHours, fleet });
    expect(calls.vendor).toBe(0);
  });

  it("webhook-double changes only when the loop acts, never what it does", async () => {
    const { launches } = await simulate({ jobs, fleet });
    expect(await simulate({ jobs, fleet, faults: ["webhook-double"] })).toMatchObject({
      launches,
      served: 40,
      killed: 0,
    });
  });

  it("webhook-loss: a run that nobody heard of waits for an agent that is there for another, or for ever", async () => {
    const usual = await simulate({ jobs, fleet });
    const { wait, neverServed, killed } = await simulate({ jobs, fleet, faults: ["webhook-loss"] });
    expect(killed).toBe(0);
    expect(neverServed + Number(wait.max > 2 * usual.wait.max)).toBeGreaterThan(0);
    const floor = await simulate({ jobs, fleet, rules: { min: 1 }, faults: ["webhook-loss"] });
    expect(floor).toMatchObject({ neverServed: 0, killed: 0 });
  });

  it("forgets a run after its time without news: lost ends do not keep agents for ever", async () => {
    const short = { notifiedRunSeconds: 900 };
    const faults = ["webhook-loss"] as const;
    const [soon, late] = [
      await simulate({ jobs, fleet: short, rules: { min: 1 }, faults }),
      await simulate({ jobs, fleet, rules: { min: 1 }, faults }),
    ];
    expect(soon.launches).toBeLessThan(late.launches);
  });

  it("is the same with the same seed", async () => {
    expect(await simulate({ jobs: someHours, fleet })).toEqual(await simulate({ jobs: someHours, fleet }));
  });
});
