import type { EcsFleetConfig } from "../../stacks/config/ecs-fleet.ts";

/**
 * US dollars, on demand, in us-east-1, without tax and free tier; as published in March 2026. Other regions differ, so
 * reports name them as an input.
 *
 * @see https://aws.amazon.com/fargate/pricing/
 * @see https://aws.amazon.com/lambda/pricing/
 * @see https://aws.amazon.com/vpc/pricing/
 * @see https://aws.amazon.com/privatelink/pricing/
 * @see https://aws.amazon.com/cloudwatch/pricing/
 * @see https://aws.amazon.com/secrets-manager/pricing/
 */
const prices = {
  date: "2026-03",
  fargate: {
    x86_64: { vcpuHour: 0.04048, gibHour: 0.004445 },
    arm64: { vcpuHour: 0.03238, gibHour: 0.00356 },
  },
  /** Beyond the 20 GiB that each task has. */
  storageGibHour: 0.000111,
  /** On arm64. */
  lambda: { gibSecond: 0.0000133334, request: 0.0000002 },
  hourly: { natGateway: 0.045, publicAddress: 0.005, interfaceEndpoint: 0.01 },
  /** Of the first 10,000 metrics. Three dashboards of an account are free, and none is counted so here. */
  monthly: { alarm: 0.1, metric: 0.3, dashboard: 3, secret: 0.4 },
} as const;

/** Hours of a month, as AWS's price lists count them. */
export const monthHours = 730;

/** The month of the prices. */
export const pricesOf = prices.date;

/** What costs money whether agents run or not. */
export type FixedPart = keyof typeof prices.hourly | keyof typeof prices.monthly;

/** US dollars per hour of one fixed part. */
export function fixedPrice(part: FixedPart): number {
  return part in prices.hourly
    ? prices.hourly[part as keyof typeof prices.hourly]
    : prices.monthly[part as keyof typeof prices.monthly] / monthHours;
}

/** MiB of the loop's function, as stacks/fleet-control.ts sets it. */
const loopMemoryGib = 0.25;

/** The machine of an agent. */
export type Machine =
  | { readonly kind: "task"; readonly compute: EcsFleetConfig["compute"] }
  /** EC2's prices differ by type, and most types fit a config. */
  | { readonly kind: "instance" };

/** The price of an agent, and where it comes from. */
export interface AgentPrice {
  /** US dollars; `undefined`: nobody knows it. */
  readonly perHour: number | undefined;
  readonly source: string;
}

/**
 * The price of an agent by its machine. Fargate Spot costs less, by a share that changes with the market: the price on
 * demand is the upper bound. Agents on EC2 hosts have no price of their own.
 *
 * @param given dollars per agent-hour, from the user
 */
export function agentPrice(machine: Machine, given?: number): AgentPrice {
  if (given !== undefined) return { perHour: given, source: "--price" };
  if (machine.kind === "instance") return { perHour: undefined, source: "EC2's prices differ by type: give --price" };
  const { compute } = machine;
  if (compute.capacityProvider) return { perHour: undefined, source: "agents run on EC2 hosts: give --price" };
  const { vcpuHour, gibHour } = prices.fargate[compute.architecture];
  const storage = Math.max(0, (compute.ephemeralStorageGiB ?? 20) - 20) * prices.storageGibHour;
  const perHour = (compute.cpu / 1024) * vcpuHour + (compute.memoryMiB / 1024) * gibHour + storage;
  const spot = compute.spot ? ", although Spot costs less" : "";
  return { perHour, source: `Fargate on demand in us-east-1, ${prices.date}${spot}` };
}

/** What a policy's function costs in US dollars, at the memory of our loop's. */
export function functionCost({
  invocations,
  seconds,
}: {
  readonly invocations: number;
  readonly seconds: number;
}): number {
  return seconds * loopMemoryGib * prices.lambda.gibSecond + invocations * prices.lambda.request;
}
