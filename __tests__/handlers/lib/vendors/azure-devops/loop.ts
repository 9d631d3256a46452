import { afterEach, beforeEach } from "vitest";
import type { AutoscaleDeps } from "../../../../../handlers/autoscale/deps.ts";
import { runFleet } from "../../../../../handlers/autoscale/fleet.ts";
import { type PassResult, runPass } from "../../../../../handlers/autoscale/handler.ts";
import type { Policy } from "../../../../../handlers/lib/core/policy.ts";
import type { VendorDeps } from "../../../../../handlers/lib/vendors/deps.ts";
import { type AzureDevOpsFake, startAzureDevOpsFake } from "../../../../fakes/azure-devops.ts";
import { type AzureDevOpsFleet, createAzureDevOpsFleet } from "../../../../fakes/azure-devops-fleet.ts";
import { createFakeClock, type FakeClock } from "../../../../fakes/clock.ts";

/** Of the test that runs, see {@link eachInLoop}. */
export let clock: FakeClock;
/** Of the test that runs. */
export let fake: AzureDevOpsFake;
/** What fleets that are made from now on ask the vendor with. */
export let vendorDeps: VendorDeps;

/** Gives each test of the file an Azure DevOps of its own. */
export function eachInLoop(): void {
  beforeEach(() => start());
  afterEach(() => fake.close());
}

/** Puts a new Azure DevOps in its place. */
export async function start(now?: Date): Promise<void> {
  await fake?.close();
  clock = createFakeClock(now);
  fake = await startAzureDevOpsFake({ clock });
  vendorDeps = { clock, readToken: () => Promise.resolve("test-pat") };
}

/** A fleet with a pool of its name. */
export function fleetOf(name: string, policy: Partial<Policy> = {}): AzureDevOpsFleet {
  return createAzureDevOpsFleet(fake, { name, pool: fake.state.addPool(name), policy, vendorDeps, clock });
}

/** A fleet whose queue is open and which has `count` agents that wait for jobs. */
export async function fleetWith(count: number, policy: Partial<Policy> = {}): Promise<AzureDevOpsFleet> {
  const fleet = fleetOf("ci", { min: count, ...policy });
  await runPass(fleet.deps);
  fleet.boot();
  return fleet;
}

/** The looks of 50 seconds, a tick apart; resolves to what the last one saw. */
export async function looksOf(deps: AutoscaleDeps): Promise<PassResult | undefined> {
  const nextLooks = { ask: () => Promise.resolve(false) };
  const looks = await runFleet({ ...deps, readPools: () => Promise.resolve([deps]), nextLooks }, { by: "schedule" });
  return looks.at(0);
}

/** What a pass fails with, `undefined` where it does not. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  );
