import type { Policy } from "../../handlers/lib/core/policy.ts";

/** What a named scaling policy sets where the config says nothing. */
interface Preset extends Pick<Policy, "singleUse" | "launchPercent" | "forecastPercent" | "maxAddedPerTick"> {
  readonly idleTimeoutSeconds: number;
}

/** The named scaling policies, by name. docs/policies.md has their figures. */
export const presets = {
  cheap: { singleUse: true, idleTimeoutSeconds: 300, launchPercent: 100, forecastPercent: 0, maxAddedPerTick: 50 },
  balanced: { singleUse: false, idleTimeoutSeconds: 60, launchPercent: 130, forecastPercent: 0, maxAddedPerTick: 200 },
  fast: { singleUse: false, idleTimeoutSeconds: 50, launchPercent: 130, forecastPercent: 100, maxAddedPerTick: 200 },
} as const satisfies Readonly<Record<string, Preset>>;

/** The name of a scaling policy. */
export type PresetName = keyof typeof presets;

/** The names of the scaling policies, the cheapest first. */
export const presetNames = Object.keys(presets) as readonly PresetName[];

/** The value of each policy for one key, for the key's description. */
export function presetTexts(key: keyof Preset): string {
  return presetNames.map((name) => `${presets[name][key]} with \`${name}\``).join(", ");
}
