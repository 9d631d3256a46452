import { VendorApiError, type VendorApiErrorKind } from "../../../handlers/lib/core/errors.ts";
import type { EventClock } from "./event-clock.ts";

/** What is wrong with a vendor's list of agents, and how often: chances from 0 to 1. */
export interface ListTrouble {
  /** Each list: it is another pool's, with agents that are not ours. */
  readonly otherPool: number;
  /** Each list: it is empty. */
  readonly emptyList: number;
  /** Each list: it is up to a minute old, so that a busy agent may be shown as idle. */
  readonly staleList: number;
  /** Each list: the vendor answers 500, 429 or 403 in place of it. */
  readonly refusedList: number;
  /** Each minute: the vendor loses the record of a busy agent. It comes back when this is 0 again. */
  readonly lostRecord: number;
}

/** Nothing is wrong. */
export const goodLists: ListTrouble = { otherPool: 0, emptyList: 0, staleList: 0, refusedList: 0, lostRecord: 0 };

/** A list as it comes from the vendor, or the status by which it refuses one. */
export type Listing<Row> = { readonly rows: readonly Row[] } | { readonly refused: 500 | 429 | 403 };

const staleSeconds = 60;
const refusals = [500, 429, 403] as const;

/** Where lists are made of. */
interface ListSource<Row> {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly trouble: () => ListTrouble;
  /** Copies: they are shown again later. */
  readonly own: () => readonly Row[];
  /** Of others; they are in every pool. */
  readonly foreign: readonly Row[];
}

/** A vendor's list with all that can be wrong with it. Every call is a look at the vendor. */
export function createLists<Row>({ clock, random, trouble, own, foreign }: ListSource<Row>): () => Listing<Row> {
  /** Oldest first. */
  const earlier: { readonly at: number; readonly rows: readonly Row[] }[] = [];
  return () => {
    const { otherPool, emptyList, staleList, refusedList } = trouble();
    earlier.push({ at: clock.seconds, rows: own() });
    while ((earlier[0]?.at ?? clock.seconds) < clock.seconds - staleSeconds) earlier.shift();
    if (random() < refusedList) return { refused: refusals[Math.floor(random() * refusals.length)] ?? 500 };
    if (random() < emptyList) return { rows: [] };
    if (random() < otherPool) return { rows: foreign };
    const shown = random() < staleList ? earlier[Math.floor(random() * earlier.length)] : earlier.at(-1);
    return { rows: [...foreign, ...(shown?.rows ?? [])] };
  };
}

const kinds = { 500: "unavailable", 429: "rate-limited", 403: "unauthorized" } as const satisfies Record<
  number,
  VendorApiErrorKind
>;

/** The rows of a list; throws what a client throws where there are none. */
export function rowsOf<Row>(listing: Listing<Row>): readonly Row[] {
  if ("rows" in listing) return listing.rows;
  throw new VendorApiError(kinds[listing.refused], `answered ${listing.refused}`);
}
