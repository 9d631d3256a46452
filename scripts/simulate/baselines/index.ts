import { adoDecider } from "./ado-decider.ts";
import { alwaysMax, limitReuse, limitSingleUse } from "./bounds.ts";
import { buildkiteWithCooldown, buildkiteWithoutCooldown } from "./buildkite-scaler.ts";
import type { Baseline } from "./fleet.ts";
import { semaphoreScaler } from "./semaphore-scaler.ts";
import { spaceliftAutoscaler } from "./spacelift-autoscaler.ts";
import { tfcCounter } from "./tfc-counter.ts";

/** The policies that ours is measured against, in the order of reports. */
export const baselines: readonly Baseline[] = [
  tfcCounter,
  adoDecider,
  semaphoreScaler,
  spaceliftAutoscaler,
  buildkiteWithCooldown,
  buildkiteWithoutCooldown,
  limitReuse,
  limitSingleUse,
  alwaysMax,
];
