import type { AutoscaleDeps } from "../../../handlers/autoscale/deps.ts";
import { runFleet } from "../../../handlers/autoscale/fleet.ts";
import type { PassResult } from "../../../handlers/autoscale/handler.ts";
import { createMemory } from "../../../handlers/autoscale/memory.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import type { Call, CapacityMember, VendorAgent } from "../../../handlers/lib/core/ports.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";
import { createFleetFake, type FleetFake } from "../../fakes/fleet.ts";
import {
  createLeaseFake,
  createNextLooksFake,
  createNotebookFake,
  type LeaseFake,
  type NextLooksFake,
} from "../../fakes/fleet-state.ts";
import { createLogFake, createMetricsFake, type LogFake, type MetricsFake } from "../../fakes/log.ts";
import { policyOf } from "../../fixtures/policy.ts";

/** A pass of the loop with everything around it in memory. */
export interface AutoscaleHarness {
  readonly clock: FakeClock;
  readonly fleet: FleetFake;
  readonly log: LogFake;
  readonly metrics: MetricsFake;
  readonly lease: LeaseFake;
  readonly nextLooks: NextLooksFake;
  /** For a fleet without a retirement workflow. */
  readonly deps: AutoscaleDeps;
  /** Adds an agent whose task runs; without a state of the vendor it has not registered. */
  addAgent(name: string, state?: VendorAgent["state"], changes?: Partial<CapacityMember>): void;
}

/** See {@link AutoscaleHarness}. Of a fleet named `ci` with no agents, that rests between no two scale-ins. */
export function createAutoscaleHarness(policy: Partial<Policy> = {}): AutoscaleHarness {
  const clock = createFakeClock();
  const fleet = createFleetFake();
  const log = createLogFake();
  const metrics = createMetricsFake();
  const lease = createLeaseFake();
  const nextLooks = createNextLooksFake();
  let suffixes = 0;
  return {
    clock,
    fleet,
    log,
    metrics,
    lease,
    nextLooks,
    deps: {
      poolName: "ci",
      policy: policyOf({ scaleInCooldownSeconds: 0, ...policy }),
      tickSeconds: 10,
      vendor: fleet.vendor,
      capacity: fleet.capacity,
      lease,
      notebook: createNotebookFake(),
      memory: createMemory(),
      clock,
      log,
      metrics,
      newSuffix() {
        suffixes += 1;
        return `s${suffixes}`;
      },
    },
    addAgent(name, state, changes = {}) {
      fleet.members.push({
        id: `task-${name}`,
        agentName: name,
        role: "burst",
        phase: "running",
        launchedAt: new Date(clock.now().getTime() - 3_600_000),
        ...changes,
      });
      if (state) fleet.vendorAgents?.push({ id: `agent-${name}`, name, state });
    },
  };
}

/** One pass over a fleet of these pools, by default of the harness's own. */
export function runFleetOf(
  { clock, log, lease, nextLooks, deps }: AutoscaleHarness,
  { call = { by: "schedule" }, pools = [deps] }: { call?: Call; pools?: readonly (AutoscaleDeps | Error)[] } = {},
): Promise<readonly PassResult[]> {
  return runFleet({ readPools: () => Promise.resolve(pools), lease, nextLooks, clock, log }, call);
}

/** What a pass fails with. Rejects where it does not fail. */
export async function failureOf(pass: Promise<unknown>): Promise<Error> {
  return pass.then(
    () => {
      throw new Error("the pass did not fail");
    },
    (error: Error) => error,
  );
}
