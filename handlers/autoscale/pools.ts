import type { Documents, InForce, Overrides } from "../lib/core/overrides.ts";
import { overridesOf, underOverrides, wholeFleet } from "../lib/core/overrides.ts";
import type { Clock, Log } from "../lib/core/ports.ts";
import { createPoolCache, lowestOf, type PoolSettings } from "../lib/settings/pool.ts";
import type { AutoscaleDeps } from "./deps.ts";

/** Ticks of many pools come together, and one reading serves them all. */
const overridesMilliseconds = 5_000;

/** The settings of one pool, and its names. */
export interface NamedPool extends PoolSettings {
  /** `undefined`: the fleet has one pool without a key. */
  readonly pool: string | undefined;
  /** Prefix of its agents' names: the fleet's name, followed by the pool's key in a fleet of several pools. */
  readonly poolName: string;
}

/** Reads the rows of a fleet's table. */
interface Rows {
  readAll(part: "pool" | "override"): Promise<Documents>;
}

/**
 * The pools of a fleet, read anew for each pass. An Error stands in the place of a pool whose row is missing or bad: that
 * pool alone fails.
 *
 * @param keys of its pools; `undefined`: it has one pool without a key
 * @param make makes what a pass works with from a pool's settings
 */
export function createPools(
  { FLEET: fleet, POOLS: keys }: { readonly FLEET: string; readonly POOLS?: readonly string[] | undefined },
  { rows, clock, log }: { readonly rows: Rows; readonly clock: Clock; readonly log: Log },
  make: (settings: NamedPool) => AutoscaleDeps,
): () => Promise<readonly (AutoscaleDeps | Error)[]> {
  const overrides = createOverrides({ rows, clock, log });
  const pools = createPoolCache((settings): AutoscaleDeps => {
    const { pool, policy } = settings;
    const poolName = pool === undefined ? fleet : `${fleet}.${pool}`;
    const inForce = async (kept = Number.POSITIVE_INFINITY): Promise<InForce> => {
      const own = await overrides(pool);
      // A drain of a group lowers its own floor at AWS first.
      return { ...own, policy: underOverrides(policy, own, Math.min(lowestOf(settings), kept)) };
    };
    return { ...make({ ...settings, poolName }), inForce };
  });
  return async () => {
    const found = await rows.readAll("pool");
    return (keys ?? [undefined]).map((key) => {
      try {
        return pools.of(key, found.get(key ?? wholeFleet));
      } catch (error) {
        return error as Error;
      }
    });
  };
}

/** Reads the overrides that hold now, and logs each bad row once. */
function createOverrides({ rows, clock, log }: { readonly rows: Rows; readonly clock: Clock; readonly log: Log }) {
  const now = () => clock.now().getTime();
  const logged = new Set<string>();
  let last: { readonly at: number; readonly read: Promise<Documents> } | undefined;

  return async (pool: string | undefined): Promise<Overrides> => {
    if (last === undefined || now() - last.at >= overridesMilliseconds) {
      last = { at: now(), read: rows.readAll("override") };
    }
    const { read } = last;
    const found = await read.catch((error) => {
      last = undefined;
      throw error;
    });
    return overridesOf(pool, found, clock.now(), (id, trouble) => {
      const line = `${id} ${found.get(id)}`;
      if (logged.has(line)) return;
      logged.add(line);
      log.warn("a row with an override cannot be used, so it counts for nothing", { row: id, trouble });
    });
  };
}
