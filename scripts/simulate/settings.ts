import type { Policy } from "../../handlers/lib/core/policy.ts";
import { bootTimes } from "../../stacks/config/boot-times.ts";
import type { Ec2FleetConfig } from "../../stacks/config/ec2-fleet.ts";
import type { EcsFleetConfig } from "../../stacks/config/ecs-fleet.ts";
import type { LoadedStack } from "../../stacks/config/load.ts";
import { policyOf } from "../../stacks/config/policy.ts";
import { agentsOf, computeOf } from "../../stacks/config/pools.ts";
import { type PresetName, presets } from "../../stacks/config/presets.ts";
import type { Machine } from "../prices/compute.ts";
import type { Place, SimulatedFleet } from "./fleet.ts";
import { forever } from "./time.ts";

type FleetConfig = EcsFleetConfig | Ec2FleetConfig;

/** The vendors that the simulator models: how their agents leave, as stacks/vendors says it. */
const departures: Readonly<Partial<Record<FleetConfig["vendor"]["type"], Policy["departure"]>>> = {
  "hcp-terraform": "by-itself",
  "azure-devops": "by-retirement",
  semaphore: "by-itself",
  spacelift: "by-retirement",
};

/** A fleet that the simulator does not model. Its message says which key is the reason. */
export class NotSimulatedError extends Error {
  override readonly name = "NotSimulatedError";
}

/** A fleet that can run with another scaling policy. */
export interface ConfigurableFleet extends SimulatedFleet {
  /** Whether its vendor's agents can only be used once. */
  readonly alwaysSingleUse: boolean;
}

/** A fleet of a config, the machine of each of its pools' agents, and the usual boot time. */
export interface FleetOfConfig extends ConfigurableFleet {
  readonly place: Place;
  readonly machines: readonly Machine[];
  /** As `--boot` takes it. Assumed. */
  readonly usualBoot: string;
}

/** The fleet with another scaling policy: its values in place of the config's. */
export function withPolicy<Fleet extends ConfigurableFleet>(fleet: Fleet, name: PresetName): Fleet {
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
export function simulatedFleet({ file, config }: LoadedStack, max?: number): FleetOfConfig {
  const refuse = (path: string, why: string) => new NotSimulatedError(`${file}: ${path}: ${why}`);
  if (config.kind !== "ecs-fleet" && config.kind !== "ec2-fleet") {
    throw refuse("kind", `fleet simulate runs ecs-fleet and ec2-fleet, found ${config.kind}`);
  }
  const departure = departures[config.vendor.type];
  if (departure === undefined) {
    throw refuse("vendor.type", `fleet simulate does not know agents of ${config.vendor.type} yet`);
  }
  if (config.kind === "ec2-fleet" && config.compute.warmPool) {
    throw refuse("compute.warmPool", "fleet simulate has no warm pools");
  }
  if (max !== undefined && "pools" in config && config.pools) {
    throw refuse("pools", "--max replaces agents.max of fleets with one pool: change the pools' max in the file");
  }
  const { vendor, agents, scaling } = config;
  return {
    policy: bounded({ ...policyOf(config, departure), ...endingsOf(config, departure) }, max),
    tickSeconds: scaling.tickSeconds,
    idleTimeoutSeconds: agents.idleTimeoutSeconds || forever,
    webhook: "webhook" in vendor && vendor.webhook.enabled,
    // handlers/lib/vendors/spacelift/webhook.ts passes over runs that ask for no worker.
    tellsQueuedOnly: vendor.type === "spacelift",
    alwaysSingleUse: vendor.type === "azure-devops",
    ...(config.kind === "ecs-fleet" ? ofTasks(config, departure) : ofGroup(config)),
  };
}

/** What only the loop can end, as stacks/ecs-fleet.ts and stacks/ec2-fleet.ts set it. */
function endingsOf(
  config: FleetConfig,
  departure: Policy["departure"],
): Pick<Policy, "canRetire" | "maxLifetimeSeconds"> {
  if (config.kind === "ec2-fleet") {
    const { maxLifetimeSeconds } = config.compute;
    return { canRetire: true, ...(maxLifetimeSeconds > 0 && { maxLifetimeSeconds }) };
  }
  if (departure === "by-itself") return { canRetire: false };
  return { canRetire: true, maxLifetimeSeconds: config.agents.maxLifetimeSeconds };
}

function bounded(policy: Policy, max = policy.max): Policy {
  return { ...policy, max, min: Math.min(policy.min, max) };
}

function ofTasks({ agents, compute, pools, vendor }: EcsFleetConfig, departure: Policy["departure"]) {
  const notifies = vendor.type === "hcp-terraform" && vendor.demand === "notifications";
  return {
    place: { type: compute.capacityProvider ? "hosts" : "tasks" },
    maxLifetimeSeconds: departure === "by-itself" ? agents.maxLifetimeSeconds : forever,
    machines: (pools ?? [undefined]).map((pool) => ({ kind: "task", compute: computeOf(compute, pool) }) as const),
    usualBoot: "lognormal:45s,0.3",
    pools: pools?.map((pool) => {
      const { min, max, buffer } = agentsOf(agents, pool);
      return { key: pool.key, name: pool.name, policy: { min, max, buffer } };
    }),
    listsRuns: vendor.type === "hcp-terraform" && !notifies,
    ...(notifies && { notifiedRunSeconds: vendor.runTtlSeconds }),
  } as const;
}

function ofGroup({ agents, compute }: Ec2FleetConfig) {
  const { spotFallback } = compute;
  return {
    place: {
      type: "group",
      boots: bootTimes(agents.registrationGraceSeconds),
      initial: agents.initial,
      fallbackSeconds: spotFallback && spotFallback.afterMinutes * 60,
    },
    maxLifetimeSeconds: forever,
    machines: [{ kind: "instance" }],
    usualBoot: "lognormal:75s,0.3",
  } as const;
}
