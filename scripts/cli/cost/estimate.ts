import type { LoadedStack } from "../../../stacks/config/load.ts";
import { monthHours, type Prices } from "../../prices/index.ts";
import type { TerraformStack } from "../lib/terraform-json.ts";
import { type PoolCost, poolCosts } from "./agents.ts";
import { fixedLines } from "./fixed-parts.ts";
import { type Line, sumOf } from "./line.ts";
import { loopLines } from "./loop-parts.ts";

/** How much the fleet works in a month. */
export type Use =
  /** Hours of all agents together. */
  | { readonly agentHours: number }
  /** Hours in which each pool has `max` agents. Outside of them it has `min`. */
  | { readonly busyHours: number }
  /** Only the `min` agents of each pool, always. */
  | "floor";

/** What a stack costs in a month, in US dollars. */
export interface Estimate {
  readonly stack: string;
  readonly file: string;
  readonly region: string;
  readonly source: string;
  /** Costs whether agents run or not. */
  readonly fixed: readonly Line[];
  /** Costs of the loop and the webhook, which follow from an estimate of what they do. */
  readonly loop: readonly Line[];
  readonly pools: readonly (PoolCost & { readonly hours: number; readonly perMonth: number | undefined })[];
  readonly agentHours: number;
  /** `undefined`: a price is unknown, and `missing` says which. */
  readonly total: number | undefined;
  /** What has a price, together: less than the whole if a price is unknown. */
  readonly known: number;
  /** The hosts of a cluster that are counted: `hosts.min`. `undefined`: it is no cluster. */
  readonly hosts: number | undefined;
  readonly missing: readonly string[];
  readonly notCounted: readonly string[];
}

/** Costs that nobody can know before jobs run. */
const notCounted = [
  "traffic (NAT gateways and endpoints by GiB, the internet)",
  "capacity units of load balancers",
  "logs of agents and jobs",
  "storage (S3, ECR, snapshots)",
  "builds of images",
  "API calls (SNS, SQS, Step Functions, Secrets Manager)",
];

/** Estimates what a stack costs. */
export function estimate(stack: LoadedStack, made: TerraformStack, prices: Prices, use: Use): Estimate {
  const pools = poolCosts(stack.config, prices);
  const most = pools.reduce((sum, { max }) => sum + max, 0);
  const used = pools.map((pool) => {
    const hours = hoursOf(pool, most, use);
    return { ...pool, hours, perMonth: hours === 0 ? 0 : pool.perHour && pool.perHour * hours };
  });
  const agentHours = used.reduce((sum, { hours }) => sum + hours, 0);
  const fixed = fixedLines(stack, made, prices);
  const busyHours = use !== "floor" && "busyHours" in use ? use.busyHours : Math.min(monthHours, agentHours);
  const loop = loopLines(made, prices, { busyHours: use === "floor" ? 0 : busyHours, agentHours });
  const ofLines = sumOf([...fixed, ...loop]);
  const ofAgents = used.some(({ perMonth }) => perMonth === undefined)
    ? undefined
    : used.reduce((sum, { perMonth = 0 }) => sum + perMonth, 0);
  return {
    stack: stack.name,
    file: stack.file,
    region: stack.config.region,
    source: prices.source,
    fixed,
    loop,
    pools: used,
    agentHours,
    total: ofLines === undefined || ofAgents === undefined ? undefined : ofLines + ofAgents,
    known: [...fixed, ...loop, ...used].reduce((sum, { perMonth = 0 }) => sum + perMonth, 0),
    hosts: stack.config.kind === "ecs-cluster" ? stack.config.hosts.min : undefined,
    missing: [...used.flatMap(({ missing }) => missing), ...hostsWithoutPrice(fixed)],
    notCounted,
  };
}

/** Without other knowledge, pools work in proportion to their `max`. */
function hoursOf({ min, max }: PoolCost, most: number, use: Use): number {
  if (use === "floor") return min * monthHours;
  if ("agentHours" in use) return most === 0 ? 0 : (use.agentHours * max) / most;
  return max * use.busyHours + min * (monthHours - use.busyHours);
}

function hostsWithoutPrice(fixed: readonly Line[]): readonly string[] {
  return fixed
    .filter(({ unitPrice }) => unitPrice === undefined)
    .map(
      ({ name }) =>
        `A ${name} has no price in the table. Name its type in hosts.instances.types, and write "instances: { <type>: <dollars an hour> }" into a file that you give as --prices.`,
    );
}
