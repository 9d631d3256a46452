import * as z from "zod";
import { json } from "../core/env.ts";
import { policySchema } from "../core/policy.ts";
import { lowestFloor } from "../core/schedule.ts";
import { capacityConfig } from "./capacity.ts";
import { vendorRuntime } from "./vendors.ts";

const policy = policySchema
  .refine((rules) => Object.values(rules).every((value) => typeof value !== "number" || value >= 0), {
    error: "a number is below 0",
  })
  .refine(({ min, max }) => Number.isInteger(min) && Number.isInteger(max) && min <= max, {
    error: "min and max must be whole numbers, and min not more than max",
  });

/** The settings of one pool: one row of the fleet's table. The stack encodes them, and the functions decode them. */
export const poolSettings = json(z.strictObject({ policy, vendor: vendorRuntime, capacity: capacityConfig }));

/** See {@link poolSettings}. */
export type PoolSettings = z.output<typeof poolSettings>;

/** The parts of the table. Terraform owns the rows of `pool`, and operators those of `override`. */
export type TablePart = "pool" | "override";

/** The attributes of the table: its two keys, the document, and the time at which a row may be deleted. */
export const tableKeys = { part: "part", id: "id", document: "document" } as const;

/** Things that are made from a pool's settings. They live as long as its row stays as it is. */
interface PoolCache<Made> {
  /**
   * @param pool `undefined`: the fleet has one pool without a key
   * @param text the row's document as it was just read
   * @throws an Error that names the pool and says what is wrong with its row
   */
  of(pool: string | undefined, text: string | undefined): Made;
}

/** See {@link PoolCache}. */
export function createPoolCache<Made>(
  make: (settings: PoolSettings & { readonly pool: string | undefined }) => Made,
): PoolCache<Made> {
  const kept = new Map<string | undefined, { readonly text: string | undefined; readonly made: Made }>();
  return {
    of(pool, text) {
      const before = kept.get(pool);
      if (before && before.text === text) return before.made;
      try {
        const made = make({ ...parsePool(text), pool });
        kept.set(pool, { text, made });
        return made;
      } catch (error) {
        const whose = pool === undefined ? "the fleet's settings" : `the settings of pool ${pool}`;
        const trouble = error instanceof Error ? error.message : String(error);
        throw new Error(`${whose} cannot be used, so its agents stay as they are: ${trouble}. Deploy the stack again`);
      }
    },
  };
}

/**
 * Decodes a row.
 *
 * @param text its document. `undefined`: there is no such row, or it has no document
 * @throws an Error that says what is wrong, and quotes no value
 */
export function parsePool(text: string | undefined): PoolSettings {
  if (text === undefined) throw new Error("there is no row with its settings");
  const read = poolSettings.safeDecode(text);
  if (read.success) return read.data;
  throw new Error(read.error.issues.map(({ path, message }) => `${path.join(".") || "row"}: ${message}`).join("; "));
}

/**
 * The least number of agents that overrides can lead to: an Auto Scaling group keeps its own floor. One with a fallback
 * has none.
 */
export function lowestOf({ policy, capacity }: PoolSettings): number {
  return capacity.type === "asg" && capacity.fallback === undefined ? lowestFloor(policy) : 0;
}
