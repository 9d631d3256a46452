import { describe, expect, it } from "vitest";
import type { Vendor } from "../../../handlers/lib/core/ports.ts";
import { runListServer, withRunLists } from "../../../scripts/simulate/loop/run-lists.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { burst, simulate, someHours } from "./harness.ts";

function limited({ queued = 0, running = 0, end = undefined as Date | undefined } = {}) {
  const clock = createFakeClock();
  const server = runListServer(clock);
  let pages = 0;
  const vendor: Vendor = {
    readDemand: async () => ({ queued, running, oldestQueuedAt: undefined }),
    listAgents: async () => undefined,
    removeAgent: async () => undefined,
  };
  const connect = () =>
    withRunLists(vendor, { clock, random: () => 0, server, deadline: () => end, onPage: () => (pages += 1) });
  return { clock, connect, pages: () => pages };
}

describe("lists of runs", () => {
  it("take a page per hundred runs, as far as enough", async () => {
    const { connect, pages } = limited({ queued: 950 });
    expect(await connect().readDemand({ enough: 250 })).toEqual({ queued: 300, running: 0, partial: true });
    expect(pages()).toBe(2);
    expect(await connect().readDemand()).toMatchObject({ queued: 950 });
    expect(pages()).toBe(2 + 9);
  });

  it("end after the client's most pages, with a lower bound", async () => {
    const { connect, pages } = limited({ queued: 800, running: 700 });
    expect(await connect().readDemand()).toEqual({
      queued: 800,
      running: 200,
      partial: true,
      oldestQueuedAt: undefined,
    });
    expect(pages()).toBe(9);
  });

  it("wait for the client's turn after thirty in a minute", async () => {
    const { clock, connect } = limited({ queued: 1 });
    const vendor = connect();
    for (let look = 0; look < 30; look += 1) await vendor.readDemand();
    expect(clock.sleeps).toEqual([]);
    clock.advance(30_000);
    await vendor.readDemand();
    expect(clock.sleeps).toEqual([31_000]);
  });

  it("of a new container are refused by HCP Terraform, and wait as it says", async () => {
    const { clock, connect } = limited({ queued: 1 });
    const before = connect();
    for (let look = 0; look < 30; look += 1) await before.readDemand();
    clock.advance(20_000);
    await connect().readDemand();
    expect(clock.sleeps).toEqual([40_000]);
  });

  it("fail where the function would end before", async () => {
    const { clock, connect } = limited({ queued: 1, end: new Date("2026-01-01T00:00:20.000Z") });
    const vendor = connect();
    for (let look = 0; look < 30; look += 1) await vendor.readDemand();
    await expect(vendor.readDemand()).rejects.toMatchObject({ kind: "rate-limited" });
    expect(clock.sleeps).toEqual([]);
  });
});

describe("a fleet that lists runs", () => {
  it("is not held up by a few of them", async () => {
    const given = { jobs: burst(20), rules: { max: 20 } };
    const { wait, functions } = await simulate({ ...given, fleet: { listsRuns: true } });
    expect(wait.max).toBeLessThan(45 + 15);
    expect(functions.failures).toBe(0);
  });

  it("that looks every second is held to thirty looks a minute, and serves everybody", async () => {
    const given = { jobs: burst(400, { seconds: 600 }), rules: { max: 200 } };
    const [free, held] = [
      await simulate({ ...given, fleet: { tickSeconds: 1 } }),
      await simulate({ ...given, fleet: { tickSeconds: 1, listsRuns: true } }),
    ];
    expect(held).toMatchObject({ served: 400, killed: 0 });
    expect(held.calls.vendor).toBeLessThan(0.8 * free.calls.vendor);
  });

  it("keeps its promises where each invocation is a new container", async () => {
    const faults = ["cold-start", "webhook-double"] as const;
    const result = await simulate({ jobs: someHours, faults, fleet: { listsRuns: true } });
    expect(result).toMatchObject({ served: someHours.length, killed: 0 });
  });
});
