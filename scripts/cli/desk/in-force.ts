import type { Deployed } from "./deployed.ts";

/** What holds or limits a pool now. */
export interface InForce {
  readonly poolName: string;
  /** `undefined`: the loop acts. */
  readonly held: string | undefined;
  readonly min: number;
  readonly max: number;
}

/**
 * The limits of each pool, and what holds the loop. They come from the deployed settings alone: a pause or a limit that
 * an operator sets without a deploy is to be read here, too, and nowhere else.
 */
export function inForceOf({ pools }: Deployed): readonly InForce[] {
  return pools.map(({ poolName, policy }) => ({
    poolName,
    held: policy.enabled ? undefined : "scaling.enabled is false in the deployed config",
    min: policy.min,
    max: policy.max,
  }));
}
