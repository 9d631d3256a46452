import type { CapacityConfig } from "../../../handlers/lib/settings/capacity.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { UserError } from "../lib/errors.ts";
import { tableOf } from "../lib/fleet-table.ts";
import { type FleetInForce, type PoolInForce, readInForce, troubleOf } from "../lib/in-force.ts";
import { known, look, type Part, unread } from "./part.ts";

/** A pool of a deployed fleet. */
export interface DeskPool {
  /** `undefined`: the fleet has one pool without a key. */
  readonly key: string | undefined;
  /** As the loop names it. */
  readonly poolName: string;
  /** What the loop goes by in it. A pool whose row is missing or bad says why. */
  readonly inForce: Part<PoolInForce>;
}

/** Where the agents of a pool run. */
export interface Place {
  readonly poolName: string;
  readonly capacity: CapacityConfig;
}

/** The right that {@link readSettings} needs. */
export const settingsRights = ["dynamodb:Query"];

/** Reads the rows of pools and operators. Where there is no table, there is no row. */
export function readSettings(stack: LoadedStack, now: Date): Promise<Part<FleetInForce>> {
  return look(settingsRights, async () => {
    try {
      return await readInForce(tableOf(stack), now);
    } catch (error) {
      if (error instanceof UserError) return { pools: [], trouble: [], overrides: new Map() };
      throw error;
    }
  });
}

/** The pools with these keys, each with its row or why it cannot be used. */
export function poolsIn(
  settings: Part<FleetInForce>,
  stack: string,
  keys: readonly (string | undefined)[],
): readonly DeskPool[] {
  return keys.map((key) => ({ key, poolName: poolNameOf(stack, key), inForce: rowOf(settings, key) }));
}

/** Where the agents of those pools run whose rows can be used. */
export function placesOf(pools: readonly DeskPool[]): readonly Place[] {
  return pools.flatMap(({ poolName, inForce }) =>
    inForce.known ? [{ poolName, capacity: inForce.value.settings.capacity }] : [],
  );
}

function poolNameOf(stack: string, key: string | undefined): string {
  return key === undefined ? stack : `${stack}.${key}`;
}

function rowOf(settings: Part<FleetInForce>, key: string | undefined): Part<PoolInForce> {
  if (!settings.known) return settings;
  const row = settings.value.pools.find(({ pool }) => pool === key);
  return row ? known(row) : unread(troubleOf(settings.value, key) ?? "there is no row with its settings");
}
