import type { Policy } from "../../handlers/lib/core/policy.ts";
import type { EcsFleetConfig } from "../../stacks/config/ecs-fleet.ts";
import type { LoadedStack } from "../../stacks/config/load.ts";
import { policyOf } from "../../stacks/config/policy.ts";
import { type PresetName, presets } from "../../stacks/config/presets.ts";
import type { SimulatedFleet } from "./run.ts";
import { forever } from "./time.ts";

/** The vendors that the simulator models: how their agents leave tasks, as stacks/vendors says it. */
const departures: Readonly<Partial<Record<EcsFleetConfig["vendor"]["type"], Policy["departure"]>>> = {
  "hcp-terraform": "by-itself",
  "azure-devops": "by-retirement",
};

/** A fleet that the simulator does not model. Its message says which key is the reason. */
export class NotSimulatedError extends Error {
  override readonly name = "NotSimulatedError";
}

/** The fleet of a config file, with what its policies need. */
export interface ConfiguredFleet extends SimulatedFleet {
  /** Whether its vendor's agents can only be used once. */
  readonly alwaysSingleUse: boolean;
}

/** The fleet with another scaling policy: its values in place of the config's. */
export function withPolicy(fleet: ConfiguredFleet, name: PresetName): ConfiguredFleet {
  const { idleTimeoutSeconds, ...rules } = presets[name];
  const singleUse = fleet.alwaysSingleUse || rules.singleUse;
  return { ...fleet, idleTimeoutSeconds, policy: { ...fleet.policy, ...rules, singleUse } };
}

/**
 * The fleet of a config file.
 *
 * @param max replaces `agents.max`, and bounds `agents.min`
 * @throws {NotSimulatedError}
 */
export function simulatedFleet(
  { file, config }: LoadedStack,
  max?: number,
): ConfiguredFleet & { readonly compute: EcsFleetConfig["compute"] } {
  const refuse = (path: string, why: string) => new NotSimulatedError(`${file}: ${path}: ${why}`);
  if (config.kind !== "ecs-fleet") {
    throw refuse("kind", `fleet simulate runs fleets of kind ecs-fleet so far, found ${config.kind}`);
  }
  const { vendor, agents, scaling, compute } = config;
  if (config.pools) throw refuse("pools", "fleet simulate runs fleets of one pool so far");
  if (vendor.type === "hcp-terraform" && vendor.demand === "notifications") {
    throw refuse("vendor.demand", "fleet simulate runs fleets with demand `api` so far");
  }
  const departure = departures[vendor.type];
  if (departure === undefined) throw refuse("vendor.type", `fleet simulate does not know agents of ${vendor.type} yet`);
  const canRetire = departure === "by-retirement";
  const rules = policyOf(config, departure);
  return {
    policy: {
      ...rules,
      max: max ?? rules.max,
      min: Math.min(rules.min, max ?? rules.max),
      canRetire,
      ...(canRetire && { maxLifetimeSeconds: agents.maxLifetimeSeconds }),
    },
    tickSeconds: scaling.tickSeconds,
    idleTimeoutSeconds: agents.idleTimeoutSeconds,
    maxLifetimeSeconds: canRetire ? forever : agents.maxLifetimeSeconds,
    webhook: "webhook" in vendor && vendor.webhook.enabled,
    compute,
    alwaysSingleUse: vendor.type === "azure-devops",
  };
}
