import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { FleetFields } from "./fleet.ts";

/** The rules by which the loop of a fleet scales, but for those that depend on where its agents run. */
export function policyOf(
  { agents, scaling }: Pick<FleetFields, "agents" | "scaling">,
  departure: Policy["departure"],
): Omit<Policy, "canRetire"> {
  return {
    enabled: scaling.enabled,
    min: agents.min,
    max: agents.max,
    buffer: agents.buffer,
    launchPercent: 100,
    registrationGraceSeconds: agents.registrationGraceSeconds,
    scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds,
    scaleInCooldownSeconds: scaling.scaleInCooldownSeconds,
    scaleInAfterObservations: scaling.scaleInAfterObservations,
    removalOrder: scaling.removalOrder,
    maxAddedPerTick: scaling.maxAddedPerTick,
    maxRemovedPerTick: scaling.maxRemovedPerTick,
    maxFailedLaunchesPerHour: scaling.maxFailedLaunchesPerHour,
    maxFailedLaunchesPercent: scaling.maxFailedLaunchesPercent,
    circuitTrialSeconds: scaling.circuitTrialSeconds,
    singleUse: agents.singleUse,
    departure,
  };
}
