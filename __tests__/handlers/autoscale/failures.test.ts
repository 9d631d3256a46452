import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runPass } from "../../../handlers/autoscale/handler.ts";
import { SecretUnavailableError, VendorApiError } from "../../../handlers/lib/core/errors.ts";
import type { FleetCall, FleetFake } from "../../fakes/fleet.ts";
import type { LogFake, MetricsFake } from "../../fakes/log.ts";
import { type AutoscaleHarness, createAutoscaleHarness, failureOf } from "./harness.ts";

let fleet: FleetFake;
let log: LogFake;
let metrics: MetricsFake;
let deps: AutoscaleDeps;
let agent: AutoscaleHarness["addAgent"];

beforeEach(setUp);

function setUp(): void {
  ({ fleet, log, metrics, deps, addAgent: agent } = createAutoscaleHarness());
}

const failingPass = () => failureOf(runPass(deps));

describe("launches that fail", () => {
  beforeEach(() => {
    fleet.demand = { queued: 3, running: 0 };
  });

  it.each([
    "capacity",
    "quota",
    "throttling",
  ] as const)("for %s are counted, and the next tick tries again", async (kind) => {
    fleet.launchFailures = [{ kind, message: "no", count: 3 }];
    for (const _ of [1, 2]) expect(await runPass(deps)).toMatchObject({ nextLookSeconds: 10 });
    expect(fleet.launches).toHaveLength(2);
    expect(metrics.sum("LaunchFailures")).toBe(6);
    expect(log.lines.filter(({ message }) => message === "launch failed")).toHaveLength(2);
  });

  it("for a wrong setting fail the pass, after the figures are recorded", async () => {
    fleet.launchFailures = [{ kind: "configuration", message: "no such task definition", count: 3 }];
    expect((await failingPass()).message).toContain("no such task definition");
    expect(metrics.records).toMatchObject([{ LaunchFailures: 3, Launched: 0 }]);
  });

  it("without a report fail the pass, after the figures are recorded", async () => {
    fleet.failures.set("capacity.launch", new Error("broken"));
    expect((await failingPass()).message).toContain("broken");
    expect(metrics.records).toMatchObject([{ LaunchFailures: 3, Launched: 0 }]);
  });
});

describe("a pass that cannot see everything", () => {
  beforeEach(() => {
    agent("ci_lost");
    agent("ci_idle", "idle");
    fleet.demand = { queued: 5, running: 0 };
    fleet.vendorAgents?.push({ id: "orphan", name: "ci_orphan", state: "gone" });
  });

  it.each<FleetCall>([
    "vendor.listAgents",
    "vendor.readDemand",
    "capacity.read",
  ])("defect 1: does nothing and fails when %s does", async (call) => {
    const failure = new VendorApiError("unavailable", "down");
    fleet.failures.set(call, failure);
    expect(await failingPass()).toBe(failure);
    expect([fleet.launches, fleet.discarded, fleet.withdrawn, fleet.removed, fleet.retired]).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(metrics.records).toEqual([{ VendorApiErrors: 1 }]);
  });

  it("does not blame the vendor for what is wrong elsewhere", async () => {
    fleet.failures.set("vendor.listAgents", new SecretUnavailableError("no value yet"));
    expect(await failingPass()).toBeInstanceOf(SecretUnavailableError);
    expect(metrics.records).toEqual([]);
  });

  it("defect 2: leaves the next pass right, whatever failed and whenever", async () => {
    const calls: readonly FleetCall[] = [
      "capacity.read",
      "capacity.launch",
      "capacity.discard",
      "vendor.listAgents",
      "vendor.readDemand",
      "vendor.removeAgent",
    ];
    async function lastDecision(failing: FleetCall | undefined, queued: number) {
      setUp();
      agent("ci_lost");
      agent("ci_dead", undefined, { phase: "failed" });
      agent("ci_idle", "idle");
      agent("ci_busy", "busy");
      fleet.demand = { queued, running: 1 };
      if (failing) {
        fleet.failures.set(failing, new Error("down"));
        await runPass(deps).catch(() => undefined);
        fleet.failures.clear();
      }
      // The load remembers when it was last looked at.
      return { ...(await runPass(deps)).lastDecision, load: undefined };
    }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...calls), fc.nat(15), async (failing, queued) => {
        expect(await lastDecision(failing, queued)).toEqual(await lastDecision(undefined, queued));
      }),
      { numRuns: 50 },
    );
  });
});
