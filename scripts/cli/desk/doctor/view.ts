import type { DecisionLine } from "../log-lines.ts";
import { ifKnown } from "../part.ts";
import type { FleetPicture } from "../picture.ts";
import { decisionsOf, lateSeconds } from "../status.ts";
import { secondsBetween } from "../words.ts";

/** What several diagnoses ask of a picture. */
export interface View {
  readonly picture: FleetPicture;
  readonly name: string;
  readonly pools: readonly {
    readonly poolName: string;
    /** Newest first. */
    readonly decisions: readonly DecisionLine[];
    readonly last: DecisionLine | undefined;
  }[];
  /** Whether jobs wait at the last decision of some pool. */
  readonly jobsWait: boolean;
  /** Pools without a decision for {@link lateSeconds}, as far as the log can be read. */
  readonly late: readonly { readonly poolName: string; readonly seconds: number | null }[];
  secondsSince(at: Date): number;
}

/** See {@link View}. */
export function viewOf(picture: FleetPicture): View {
  const pools = picture.pools.map(({ poolName }) => {
    const decisions = decisionsOf(picture, poolName);
    return { poolName, decisions, last: decisions[0] };
  });
  const ages = pools.map(({ poolName, last }) => ({ poolName, seconds: secondsBetween(last?.at, picture.at) }));
  return {
    picture,
    name: picture.stack.name,
    pools,
    jobsWait: pools.some(({ last }) => (last?.queued ?? 0) > 0),
    late: ifKnown(picture.log) ? ages.filter(({ seconds }) => seconds === null || seconds > lateSeconds) : [],
    secondsSince: (at) => Math.max(0, (picture.at.getTime() - at.getTime()) / 1000),
  };
}
