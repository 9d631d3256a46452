import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { FleetFields } from "./fleet.ts";
import { presets } from "./presets.ts";

/** The rules by which the loop of a fleet scales, but for those that depend on where its agents run. */
export function policyOf(
  { agents, scaling }: Pick<FleetFields, "agents" | "scaling">,
  departure: Policy["departure"],
): Omit<Policy, "canRetire"> {
  const preset = presets[agents.policy];
  return {
    enabled: scaling.enabled,
    min: agents.min,
    max: agents.max,
    buffer: agents.buffer,
    ...(agents.schedule.length > 0 && { schedule: [...agents.schedule] }),
    launchPercent: scaling.launchPercent ?? preset.launchPercent,
    forecastPercent: scaling.forecastPercent ?? preset.forecastPercent,
    registrationGraceSeconds: agents.registrationGraceSeconds,
    scaleOutCooldownSeconds: scaling.scaleOutCooldownSeconds,
    scaleInCooldownSeconds: scaling.scaleInCooldownSeconds,
    scaleInAfterObservations: scaling.scaleInAfterObservations,
    removalOrder: scaling.removalOrder,
    maxAddedPerTick: scaling.maxAddedPerTick ?? preset.maxAddedPerTick,
    maxRemovedPerTick: scaling.maxRemovedPerTick,
    maxFailedLaunchesPerHour: scaling.maxFailedLaunchesPerHour,
    maxFailedLaunchesPercent: scaling.maxFailedLaunchesPercent,
    circuitTrialSeconds: scaling.circuitTrialSeconds,
    singleUse: agents.singleUse,
    departure,
  };
}
