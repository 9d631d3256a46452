import type { EcsFleetConfig } from "../../stacks/config/ecs-fleet.ts";
import { listPrices, type Prices, pricesOf } from "./table.ts";

/** Hours of a month, as AWS's price lists count them. */
export const monthHours = 730;

/** What costs money whether agents run or not. */
export type FixedPart = Exclude<keyof Prices["hourly"] | keyof Prices["monthly"], "diskGib">;

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
export function agentPrice(machine: Machine, given?: number, prices: Pick<Prices, "fargate"> = listPrices): AgentPrice {
  if (given !== undefined) return { perHour: given, source: "--price" };
  if (machine.kind === "instance") return { perHour: undefined, source: "EC2's prices differ by type: give --price" };
  const { compute } = machine;
  if (compute.capacityProvider) return { perHour: undefined, source: "agents run on EC2 hosts: give --price" };
  const { vcpuHour, gibHour } = prices.fargate[compute.architecture];
  const storage = Math.max(0, (compute.ephemeralStorageGiB ?? 20) - 20) * prices.fargate.storageGibHour;
  const perHour = (compute.cpu / 1024) * vcpuHour + (compute.memoryMiB / 1024) * gibHour + storage;
  const spot = compute.spot ? ", although Spot costs less" : "";
  return { perHour, source: `Fargate on demand in us-east-1, ${pricesOf}${spot}` };
}

/** What a policy's function costs in US dollars, at the memory of our loop's. */
export function functionCost({
  invocations,
  seconds,
}: {
  readonly invocations: number;
  readonly seconds: number;
}): number {
  const { lambdaGibSecond, millionInvocations } = listPrices.usage;
  return seconds * loopMemoryGib * lambdaGibSecond + (invocations * millionInvocations) / 1_000_000;
}
