import { networkOf } from "../../../stacks/config/ecs-fleet.ts";
import { endpointsOf, zoneCount } from "../../../stacks/config/network/vpc.ts";
import { computeOf } from "../../../stacks/config/pools.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import { agentPrice, type FixedPart, fixedPrice, monthHours, pricesOf } from "../../prices/index.ts";
import type { Capacity, Machine } from "./machines.ts";

/** A config of a fleet. */
export type FleetConfig = Extract<StackConfig, { readonly kind: "ecs-fleet" | "ec2-fleet" }>;

/** What a fleet costs at the rate of this moment, in US dollars. */
export interface Cost {
  readonly runningAgents: number;
  /** `undefined`: the price of some running agent is unknown. */
  readonly agentsPerHour: number | undefined;
  readonly fixedPerHour: number;
  /** What {@link fixedPerHour} counts. */
  readonly fixed: readonly { readonly part: FixedPart; readonly count: number; readonly perMonth: number }[];
  /** Agents and fixed parts, if both are known. */
  readonly perHour: number | undefined;
  readonly perMonth: number | undefined;
  readonly source: string;
}

/** What the fixed parts are counted from. */
export interface Counted {
  readonly capacities: readonly Capacity[];
  readonly alarms: number;
  readonly metrics: number;
  readonly secrets: number;
}

/**
 * The cost rate: running agents by their list price, and the fixed parts. Requests, logs and traffic are not counted: at
 * this moment nobody knows them.
 *
 * @param given dollars per agent-hour, from the user
 */
export function costOf(config: FleetConfig, { capacities, alarms, metrics, secrets }: Counted, given?: number): Cost {
  const perPool = capacities.map(({ poolName, machines }) => {
    const running = machines.filter(isRunning).length;
    const price = priceOf(config, poolName, given);
    return { running, source: price.source, perHour: running === 0 ? 0 : price.perHour && price.perHour * running };
  });
  const runningAgents = perPool.reduce((sum, { running }) => sum + running, 0);
  const isKnown = perPool.every(({ perHour }) => perHour !== undefined);
  const agentsPerHour = isKnown ? perPool.reduce((sum, { perHour = 0 }) => sum + perHour, 0) : undefined;
  const counts: readonly (readonly [FixedPart, number])[] = [
    ...networkParts(config, runningAgents),
    ["alarm", alarms],
    ["metric", metrics],
    ["secret", secrets],
    ["dashboard", 1],
  ];
  const fixed = counts.flatMap(([part, count]) =>
    count > 0 ? [{ part, count, perMonth: fixedPrice(part) * count * monthHours }] : [],
  );
  const fixedPerHour = fixed.reduce((sum, { perMonth }) => sum + perMonth / monthHours, 0);
  const perHour = agentsPerHour === undefined ? undefined : agentsPerHour + fixedPerHour;
  const perMonth = perHour === undefined ? undefined : perHour * monthHours;
  const source = `${perPool[0]?.source ?? "no pool"}; the rest by list prices of us-east-1, ${pricesOf}`;
  return { runningAgents, agentsPerHour, fixedPerHour, fixed, perHour, perMonth, source };
}

/** Whether AWS charges for it. */
function isRunning({ phase }: Machine): boolean {
  return phase !== "ordered" && phase !== "failed";
}

function priceOf(config: FleetConfig, poolName: string, given: number | undefined) {
  if (config.kind === "ec2-fleet") return agentPrice({ kind: "instance" }, given);
  const pool = config.pools?.find(({ key }) => poolName.endsWith(`.${key}`));
  return agentPrice({ kind: "task", compute: computeOf(config.compute, pool) }, given);
}

/** What the stack's own network costs. A network of others is theirs. */
function networkParts(config: FleetConfig, running: number): readonly (readonly [FixedPart, number])[] {
  const network = config.kind === "ecs-fleet" ? networkOf(config) : config.network;
  if (!("create" in network)) return [];
  const { create } = network;
  const zones = zoneCount(create);
  const gateways = create.egress === "nat-per-az" ? zones : create.egress === "single-nat" ? 1 : 0;
  const endpoints = endpointsOf(create).filter((service) => service !== "s3" && service !== "dynamodb").length;
  return [
    ["natGateway", gateways],
    ["publicAddress", create.egress === "public-ip" ? running : gateways],
    ["interfaceEndpoint", endpoints * zones],
  ];
}
