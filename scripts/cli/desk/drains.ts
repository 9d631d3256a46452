import type { Clock } from "../../../handlers/lib/core/ports.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { type Look, lookAt } from "../drain/look.ts";
import { createWatchedPools } from "../drain/pool.ts";
import { leavingOf } from "../drain/waits.ts";
import { ifKnown } from "./part.ts";
import type { DeskPool } from "./pools.ts";

/** A drain that is under way. */
export interface DrainUnderWay {
  readonly pools: readonly { readonly poolName: string; readonly since: Date }[];
  /** Whether all pools of the fleet leave. */
  readonly ofAll: boolean;
  readonly look: Look;
}

/** Looks at the pools that are drained, as `fleet drain` does. Throws AWS's errors. */
export async function readDrain(
  { name, config }: LoadedStack,
  pools: readonly DeskPool[],
  clock: Clock,
): Promise<DrainUnderWay | undefined> {
  const drained = pools.flatMap(({ key, poolName, inForce }) => {
    const { drain, settings } = ifKnown(inForce) ?? {};
    return drain && settings ? [{ key, poolName, since: drain.since, settings }] : [];
  });
  if (drained.length === 0) return undefined;
  const watch = createWatchedPools({ stack: name, region: config.region }, clock);
  const watched = drained.map(({ key, settings, since }) => ({
    watched: watch(key, settings),
    leaving: leavingOf(config, settings.policy),
    since,
  }));
  return {
    pools: drained.map(({ poolName, since }) => ({ poolName, since })),
    ofAll: drained.length === pools.length,
    look: await lookAt(watched, clock),
  };
}
