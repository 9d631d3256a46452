import {
  type Documents,
  type DrainOverride,
  type LimitsOverride,
  type OverrideKind,
  overrideId,
  overridesOf,
  type PauseOverride,
  underOverrides,
  wholeFleet,
} from "../../../handlers/lib/core/overrides.ts";
import type { Policy } from "../../../handlers/lib/core/policy.ts";
import { policyAt } from "../../../handlers/lib/core/schedule.ts";
import { lowestOf, type PoolSettings, parsePool } from "../../../handlers/lib/settings/pool.ts";
import { nearest } from "../../../stacks/config/reading/nearest.ts";
import { UserError } from "./errors.ts";
import { type FleetTable, notDeployed } from "./fleet-table.ts";

/** The numbers of agents that operators may change for a while. */
export type Limits = Pick<Policy, "min" | "max" | "buffer">;

/** What holds for one pool of a deployed fleet. */
export interface PoolInForce {
  /** `undefined`: the fleet has one pool without a key. */
  readonly pool: string | undefined;
  /** Its row, as the stack wrote it. */
  readonly settings: PoolSettings;
  /** What the stack was deployed with, without its schedule. */
  readonly stack: Limits;
  /** What the loop goes by now, by schedule and limits. */
  readonly inForce: Limits;
  /** Neither floor nor ceiling can be lower, see `lowestOf`. */
  readonly lowest: number;
  /** What an operator has set for a while. */
  readonly limits: LimitsOverride | undefined;
  /** Of this pool, or of the whole fleet. */
  readonly pause: PauseOverride | undefined;
  /** Of this pool, or of the whole fleet. */
  readonly drain: DrainOverride | undefined;
}

/** What holds for a deployed fleet, with the rows from which that follows. */
export interface FleetInForce {
  /** Pools whose settings can be read, in the order of their keys. */
  readonly pools: readonly PoolInForce[];
  /** Rows that count for nothing: id and what is wrong. The loop fails for pools among them. */
  readonly trouble: readonly { readonly row: string; readonly trouble: string }[];
  /** Rows of operators, by id, whether they hold or not. */
  readonly overrides: Documents;
}

/**
 * Reads what holds for a deployed fleet now: the limits of each pool, and pauses. By the same rules as the loop, which
 * follows a change within a minute. Changes nothing; needs `dynamodb:Query` on the table.
 *
 * @throws UserError if the fleet is not deployed
 */
export async function readInForce(table: FleetTable, now: Date): Promise<FleetInForce> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { readRows } = await import("./override-store.ts");
  const [rows, overrides] = await Promise.all([readRows(table, "pool"), readRows(table, "override")]);
  const trouble = new Map<string, string>();
  const pools = [...rows].flatMap(([key, text]): PoolInForce[] => {
    const pool = key === wholeFleet ? undefined : key;
    try {
      const settings = parsePool(text);
      const own = overridesOf(pool, overrides, now, (row, why) => trouble.set(row, why));
      const lowest = lowestOf(settings);
      const { policy } = settings;
      const inForce = limitsOf(policyAt(underOverrides(policy, own, lowest), now));
      const { limits, pause, drain } = own;
      return [{ pool, settings, stack: limitsOf(policy), inForce, lowest, limits, pause, drain }];
    } catch (error) {
      trouble.set(poolRow(key), error instanceof Error ? error.message : String(error));
      return [];
    }
  });
  if (rows.size === 0) throw notDeployed(table);
  return { pools, trouble: [...trouble].map(([row, why]) => ({ row, trouble: why })), overrides };
}

/** The pool with this key, or the only one. Throws {@link UserError} if there is no such pool. */
export function poolIn(found: FleetInForce, { stack }: FleetTable, key: string | undefined): PoolInForce {
  const { pools } = found;
  const [only] = pools;
  const trouble = troubleOf(found, key);
  if (trouble !== undefined) {
    throw new UserError(
      `The settings of ${key === undefined ? stack : `pool ${key}`} cannot be used: ${trouble}.`,
      `Deploy the stack again (fleet deploy ${stack}). Nothing was changed.`,
    );
  }
  if (key === undefined && pools.length === 1 && only) return only;
  const keys = pools.flatMap(({ pool }) => pool ?? []);
  if (key === undefined) {
    throw new UserError(
      `${stack} has several pools.`,
      `Name one with --pool: ${keys.join(", ")}. Nothing was changed.`,
    );
  }
  const named = pools.find(({ pool }) => pool === key);
  if (named) return named;
  const guess = nearest(key, keys);
  throw new UserError(
    `${stack} has no pool ${JSON.stringify(key)}${guess ? `. Did you mean ${guess}?` : "."}`,
    keys.length > 0
      ? `Its pools are ${keys.join(", ")}. Nothing was changed.`
      : "Leave out --pool. Nothing was changed.",
  );
}

/** Why the row of a pool cannot be used. `undefined`: it can, or there is none. */
export function troubleOf({ trouble }: FleetInForce, key: string | undefined): string | undefined {
  return trouble.find(({ row }) => row === poolRow(key ?? wholeFleet))?.trouble;
}

/** The ids of the rows of one kind that are about a fleet or one of its pools. */
export function idsOf(kind: OverrideKind, { pools }: Pick<FleetInForce, "pools">): string[] {
  return [...new Set([undefined, ...pools.map(({ pool }) => pool)])].map((pool) => overrideId(kind, pool));
}

/** How {@link FleetInForce.trouble} names the row of a pool. */
function poolRow(key: string): string {
  return `pool ${key}`;
}

function limitsOf({ min, max, buffer }: Policy): Limits {
  return { min, max, buffer };
}
