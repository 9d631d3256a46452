import * as z from "zod";
import type { Notebook } from "../lib/core/ports.ts";

const time = z.number().transform((milliseconds) => new Date(milliseconds));

const stored = z.object({
  recentlyWanted: z.array(z.number()),
  missingSince: z.record(z.string(), time),
  queuedSince: time.optional(),
});

/** A pass leaves this for the next, in whatever container that runs. Losing it makes the loop more patient, never hastier. */
export interface Memory {
  /** The numbers of agents that earlier observations wanted, newest last. */
  recentlyWanted: readonly number[];
  /** Since when agents that had registered are missing from the vendor's list, by name. */
  missingSince: ReadonlyMap<string, Date>;
  /** Since when jobs have been waiting without a pause. */
  queuedSince: Date | undefined;
}

/** The memory of a new fleet. */
export function createMemory(): Memory {
  return { recentlyWanted: [], missingSince: new Map(), queuedSince: undefined };
}

/** Takes over the memory of the last pass. A document that cannot be understood is taken for none. */
export async function recall(memory: Memory, notebook: Notebook): Promise<void> {
  const { data } = stored.safeParse(await notebook.read());
  const found = data && { ...data, missingSince: new Map(Object.entries(data.missingSince)) };
  Object.assign(memory, createMemory(), found);
}

/** Leaves it for the next pass. */
export async function keep({ recentlyWanted, missingSince, queuedSince }: Memory, notebook: Notebook): Promise<void> {
  await notebook.write({
    recentlyWanted,
    missingSince: Object.fromEntries([...missingSince].map(([name, since]) => [name, since.getTime()])),
    queuedSince: queuedSince?.getTime(),
  });
}
