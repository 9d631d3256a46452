import * as z from "zod";
import {
  type AgentNumbers,
  agentBuffer,
  agentSchedule,
  type Schedule,
  tooManyAgents,
  wrongSchedule,
} from "./agents.ts";
import { type ComputeConfig, cpuUnits, environment, wrongMemory } from "./compute/compute.ts";
import { containerImage } from "./compute/image.ts";
import { architecture, text, wholeNumber } from "./primitives.ts";
import type { Rule } from "./rules.ts";

/** The name of an agent pool, as Azure DevOps shows it. */
export const poolName = text(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: validators of JSON Schema elsewhere know no \p{Cc}
  /^[^"/\\[\]:|<>+=;?*\u0000-\u001f\u007f-\u009f]{1,128}$/,
  "the name of an agent pool, as its page shows it",
);

/** Capabilities of agents, which jobs may demand. */
export const capabilities = z.record(
  text(/^[\w.-]{1,128}$/, "the name of a capability: letters, digits, ., - and _"),
  z.string(),
);

/**
 * One function serves all pools, and one dashboard shows them: CloudWatch takes 500 widgets and 2500 metrics on one
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html).
 */
const maxPools = 50;

const poolCompute = z.strictObject({
  cpu: cpuUnits.optional().describe("Replaces compute.cpu."),
  memoryMiB: wholeNumber(512, 122_880).optional().describe("Replaces compute.memoryMiB."),
  ephemeralStorageGiB: wholeNumber(21, 200).optional().describe("Replaces compute.ephemeralStorageGiB."),
  architecture: architecture
    .optional()
    .describe("Replaces compute.architecture. Another one needs its own `image`, unless compute.image is set."),
  spot: z.boolean().optional().describe("Replaces compute.spot."),
  image: containerImage.optional().describe("Replaces compute.image."),
  environment: environment.default({}).describe("More variables. They override those of compute.environment."),
});

const pool = z.strictObject({
  key: text(/^[a-z][a-z0-9-]{0,18}[a-z0-9]$/, "2 to 20 lower-case letters, digits and hyphens").describe(
    "The pool's name in the stack: part of the names of its agents, task definition and metrics.",
  ),
  name: poolName.describe("The agent pool's name in Azure DevOps."),
  id: wholeNumber(1, 2_147_483_647)
    .optional()
    .describe("The agent pool's id. If the id and `name` are of two pools, the loop fails and changes nothing."),
  min: wholeNumber(0, 10_000).optional().describe("Replaces agents.min."),
  max: wholeNumber(0, 10_000).optional().describe("Replaces agents.max."),
  buffer: agentBuffer.optional().describe("Replaces agents.buffer."),
  schedule: agentSchedule.optional().describe("Replaces agents.schedule; []: this pool has none."),
  capabilities: capabilities.default({}).describe("Capabilities of this pool's agents besides vendor.capabilities."),
  compute: poolCompute.prefault({}).describe("The machine of this pool's agents, where it differs from `compute`."),
});

/** One agent pool of several in a fleet. */
export type PoolConfig = z.output<typeof pool>;

/** The agent pools of a fleet, each with its own limits and machine. */
export const pools = z
  .array(pool)
  .min(1, { error: "must name at least one pool, or be left out" })
  .max(maxPools, { error: `must name at most ${maxPools} pools: make a second stack for more` });

interface PooledFleet {
  readonly agents: AgentNumbers & { readonly schedule: Schedule };
  readonly compute: ComputeConfig;
  readonly pools?: readonly PoolConfig[] | undefined;
}

/** The machine of one pool's agents: the fleet's `compute` with the pool's differences. */
export function computeOf<Compute extends ComputeConfig>(
  compute: Compute,
  pool: { readonly compute: Omit<PoolConfig["compute"], "environment"> & Pick<Compute, "environment"> } | undefined,
): Compute {
  if (pool === undefined) return compute;
  const { environment: own, ...changes } = pool.compute;
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  return { ...compute, ...given, environment: { ...compute.environment, ...own } };
}

/** The machines of a fleet's agents: how many there are of each at most, and what each has. One entry for each pool. */
export function machinesOf({ agents, compute, pools: all }: PooledFleet): {
  readonly max: number;
  readonly cpu: number;
  readonly memoryMiB: number;
}[] {
  if (!all) return [{ max: agents.max, cpu: compute.cpu, memoryMiB: compute.memoryMiB }];
  return all.map((each) => {
    const { cpu, memoryMiB } = computeOf(compute, each);
    return { max: agentsOf(agents, each).max, cpu, memoryMiB };
  });
}

/** How many agents one pool has. */
export function agentsOf<Agents extends PooledFleet["agents"]>(
  agents: Agents,
  pool: Pick<PoolConfig, "min" | "max" | "buffer" | "schedule">,
): Agents {
  return {
    ...agents,
    min: pool.min ?? agents.min,
    max: pool.max ?? agents.max,
    buffer: pool.buffer ?? agents.buffer,
    schedule: pool.schedule ?? agents.schedule,
  };
}

/**
 * Rules between pools and the rest of a fleet's config.
 *
 * @param vendors the vendors of the fleet's kind
 */
export const poolRules = (
  vendors: readonly { readonly id: string; readonly severalPools: boolean }[],
): readonly Rule<PooledFleet & { readonly vendor: { readonly type: string } }>[] => [
  {
    path: ["pools"],
    reads: [["pools"], ["vendor"]],
    check: ({ vendor, pools: all = [] }) => {
      const able = vendors.filter(({ severalPools }) => severalPools).map(({ id }) => id);
      return all.length === 0 || able.includes(vendor.type)
        ? undefined
        : `must be left out: only fleets of ${able.join(", ")} have several pools`;
    },
  },
  {
    path: ["pools"],
    reads: [["pools"]],
    check: ({ pools: all = [] }) => {
      for (const property of ["key", "name"] as const) {
        const values = all.map((each) => each[property]);
        const twice = values.find((value, index) => values.indexOf(value) !== index);
        if (twice !== undefined) return `must not name two pools with the ${property} ${JSON.stringify(twice)}`;
      }
      return undefined;
    },
  },
  eachPool(["agents"], ({ agents }, each) => {
    const merged = agentsOf(agents, each);
    return tooManyAgents("min", merged) ?? tooManyAgents("buffer", merged) ?? wrongSchedule(merged);
  }),
  eachPool(["compute"], ({ compute }, each) => {
    const wrong = wrongMemory(computeOf(compute, each));
    return wrong && `must have a memoryMiB that fits: it ${wrong}`;
  }),
  eachPool(["compute"], ({ compute }, each) => {
    const both = Object.keys(each.compute.environment).find((name) => Object.hasOwn(compute.secrets, name));
    return both && `must not have the variable ${both}, which is in compute.secrets`;
  }),
];

/** A rule that holds for each of a fleet's pools. */
export function eachPool(
  reads: readonly string[],
  check: (fleet: PooledFleet, pool: PoolConfig) => string | undefined,
): Rule<PooledFleet> {
  return {
    path: ["pools"],
    reads: [["pools"], reads],
    check: (fleet) => {
      for (const each of fleet.pools ?? []) {
        const wrong = check(fleet, each);
        if (wrong !== undefined) return `${wrong} (pool ${each.key})`;
      }
      return undefined;
    },
  };
}
