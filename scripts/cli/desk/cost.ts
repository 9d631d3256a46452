import type { LoadedStack } from "../../../stacks/config/load.ts";
import type { StackConfig } from "../../../stacks/config/schema.ts";
import { listPrices, monthHours } from "../../prices/index.ts";
import { type PoolCost, poolCosts } from "../cost/agents.ts";
import { fixedLines } from "../cost/fixed-parts.ts";
import { type Line, sumOf } from "../cost/line.ts";
import type { Context } from "../lib/context.ts";
import { withSynthesized } from "../lib/synthesized-config.ts";
import { readTerraformStack } from "../lib/terraform-json.ts";
import type { Capacity, Machine } from "./machines.ts";
import { look, type Part } from "./part.ts";

/** A config of a fleet. */
export type FleetConfig = Extract<StackConfig, { readonly kind: "ecs-fleet" | "ec2-fleet" }>;

/** What a fleet costs at the rate of this moment, in US dollars. `undefined`: not known. */
export interface Cost {
  readonly runningAgents: number | undefined;
  readonly agentsPerHour: number | undefined;
  /** Costs whether agents run or not. */
  readonly fixed: readonly Line[] | undefined;
  readonly fixedPerMonth: number | undefined;
  /** Agents and fixed parts. */
  readonly perHour: number | undefined;
  readonly perMonth: number | undefined;
  /** Where the prices are from. */
  readonly source: string;
}

/**
 * The fixed parts of a fleet: counted, as for `fleet cost`, in what its config makes. So a fleet that is deployed as its
 * config says has them.
 */
export function readFixedParts(context: Context, stack: LoadedStack): Promise<Part<readonly Line[]>> {
  return look([], () =>
    withSynthesized(context, [stack.name], ([made]) => {
      if (made === undefined) throw new Error(`the synth made no stack ${stack.name}`);
      return fixedLines(stack, readTerraformStack(made), listPrices);
    }),
  );
}

/**
 * The cost rate: running agents and the fixed parts. Requests, logs and traffic are not counted: at this moment nobody
 * knows them.
 *
 * @param capacities `undefined`: nobody knows which agents run
 * @param given dollars per agent-hour, from the user
 */
export function costOf(
  config: FleetConfig,
  capacities: readonly Capacity[] | undefined,
  fixed: readonly Line[] | undefined,
  given?: number,
): Cost {
  const prices = poolCosts(config, { ...listPrices, agentHour: given });
  const perPool = capacities?.map(({ poolName, machines }) => ({
    running: machines.filter(isRunning).length,
    price: priceIn(prices, poolName),
  }));
  const runningAgents = perPool?.reduce((sum, { running }) => sum + running, 0);
  const isUnknown = perPool?.some(({ running, price }) => running > 0 && price?.perHour === undefined);
  const agentsPerHour = isUnknown
    ? undefined
    : perPool?.reduce((sum, { running, price }) => sum + running * (price?.perHour ?? 0), 0);
  const fixedPerMonth = fixed && sumOf(fixed);
  const perHour =
    agentsPerHour === undefined || fixedPerMonth === undefined ? undefined : agentsPerHour + fixedPerMonth / monthHours;
  return {
    runningAgents,
    agentsPerHour,
    fixed,
    fixedPerMonth,
    perHour,
    perMonth: perHour === undefined ? undefined : perHour * monthHours,
    source: `${given === undefined ? "" : "agents by --price; the rest: "}${listPrices.source}`,
  };
}

/** Whether AWS charges for it. */
function isRunning({ phase }: Machine): boolean {
  return phase !== "ordered" && phase !== "failed";
}

function priceIn(prices: readonly PoolCost[], poolName: string): PoolCost | undefined {
  return prices.find(({ pool }) => pool === undefined || poolName.endsWith(`.${pool}`));
}
