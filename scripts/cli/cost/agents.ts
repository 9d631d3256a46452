import type { Ec2FleetConfig } from "../../../stacks/config/ec2-fleet.ts";
import { type EcsFleetConfig, networkOf } from "../../../stacks/config/ecs-fleet.ts";
import { agentsOf, computeOf } from "../../../stacks/config/pools.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import { agentPrice, instanceHour, monthHours, type Prices } from "../../prices/index.ts";

/** The agents of one pool, and the price of one. */
export interface PoolCost {
  /** `undefined`: the fleet has one pool. */
  readonly pool: string | undefined;
  readonly min: number;
  readonly max: number;
  /** What an agent is, in words. */
  readonly machine: string;
  /** US dollars. `undefined`: unknown, and `missing` says what to do. */
  readonly perHour: number | undefined;
  /** Further facts about the price. */
  readonly notes: readonly string[];
  /** What is missing, and how to give it. */
  readonly missing: readonly string[];
}

/** The pools of a fleet; none for other kinds. */
export function poolCosts(config: StackConfig, prices: Prices): readonly PoolCost[] {
  if (config.kind === "ecs-fleet") return tasks(config, prices);
  return config.kind === "ec2-fleet" ? [instances(config, prices)] : [];
}

function tasks(config: EcsFleetConfig, prices: Prices): readonly PoolCost[] {
  const hasAddress = hasPublicAddress(networkOf(config));
  return (config.pools ?? [undefined]).map((pool): PoolCost => {
    const compute = computeOf(config.compute, pool);
    const { min, max } = pool ? agentsOf(config.agents, pool) : config.agents;
    const common = { pool: pool?.key, min, max };
    const size = `${compute.cpu / 1024} vCPU, ${compute.memoryMiB / 1024} GiB, ${compute.architecture}`;
    if (prices.agentHour !== undefined) {
      return { ...common, machine: size, perHour: prices.agentHour, notes: ["by agentHour of --prices"], missing: [] };
    }
    const machine = `${size} on ${compute.capacityProvider ? "hosts of a cluster" : "Fargate"}`;
    const { perHour } = agentPrice({ kind: "task", compute }, undefined, prices);
    if (perHour === undefined) {
      const missing =
        "Agents on a cluster's hosts have no price of their own: see fleet cost of the cluster, or write agentHour into --prices.";
      return { ...common, machine, perHour, notes: [], missing: [missing] };
    }
    const notes = [
      ...(compute.spot ? ["Fargate Spot costs less, by a share that changes with the market"] : []),
      ...(hasAddress ? ["with a public IP"] : []),
    ];
    return {
      ...common,
      machine,
      perHour: perHour + (hasAddress ? prices.hourly.publicAddress : 0),
      notes,
      missing: [],
    };
  });
}

function instances({ agents: { min, max }, compute, network }: Ec2FleetConfig, prices: Prices): PoolCost {
  const common = { pool: undefined, min, max };
  const { sizeGiB } = compute.volume;
  if (prices.agentHour !== undefined) {
    return {
      ...common,
      machine: "EC2 instance",
      perHour: prices.agentHour,
      notes: ["by agentHour of --prices"],
      missing: [],
    };
  }
  if (!("types" in compute.instances)) {
    const { vcpus, memoryMiB } = compute.instances;
    const machine = `EC2 instance of ${vcpus.min} vCPU, ${memoryMiB.min / 1024} GiB or more`;
    const missing =
      'AWS chooses the type by attributes, so no price is known: name types in compute.instances.types, or write "agentHour: <dollars>" into a file and give it as --prices.';
    return { ...common, machine, perHour: undefined, notes: [], missing: [missing] };
  }
  const priced = compute.instances.types.map((type) => ({ type, hour: instanceHour(type, prices) }));
  const unknown = priced.filter(({ hour }) => hour === undefined).map(({ type }) => type);
  const known = priced.flatMap(({ type, hour }) => (hour === undefined ? [] : [{ type, hour }]));
  const byPrice = known.toSorted((one, other) => one.hour - other.hour);
  const first =
    compute.onDemandAllocation === "lowest-price" ? byPrice[0] : known.find(({ type }) => type === priced[0]?.type);
  const dearest = byPrice.at(-1);
  const address = hasPublicAddress(network) ? prices.hourly.publicAddress : 0;
  const rest = (sizeGiB * prices.monthly.diskGib) / monthHours + address;
  return {
    ...common,
    machine: `${first?.type ?? priced[0]?.type}, ${sizeGiB} GiB disk${address > 0 ? ", public IP" : ""}`,
    perHour: first && first.hour + rest,
    notes: [
      ...(first && dearest && dearest.hour > first.hour
        ? [`up to $${(dearest.hour + rest).toFixed(4)} with ${dearest.type}`]
        : []),
      ...(compute.spotPercent > 0 ? ["Spot costs less, by a share that changes with the market"] : []),
    ],
    missing: unknown.map(
      (type) =>
        `${type} has no price in the table: write "instances: { ${type}: <dollars an hour> }" into a file and give it as --prices.`,
    ),
  };
}

/** Not known of a shared network: its own stack decides. */
function hasPublicAddress(network: Ec2FleetConfig["network"]): boolean {
  if ("create" in network) return network.create.egress === "public-ip";
  return "assignPublicIp" in network && network.assignPublicIp;
}
