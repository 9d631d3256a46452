import * as z from "zod";
import type { Load } from "../lib/core/load.ts";
import type { Circuit } from "../lib/core/model.ts";
import type { Notebook } from "../lib/core/ports.ts";
import type { Traffic } from "../lib/core/traffic.ts";

const time = z.number().transform((milliseconds) => new Date(milliseconds));

const stored = z.object({
  recentlyWanted: z.array(z.number()),
  wantedAt: time.optional(),
  missingSince: z.record(z.string(), time),
  queuedSince: time.optional(),
  waitsUntil: time.optional(),
  load: z.object({ jobs: z.number(), at: time }).optional(),
  traffic: z.object({ perSecond: z.number(), bootSeconds: z.number(), jobs: z.number(), at: time }).optional(),
  image: z.object({ readAt: time, builtAt: time.optional() }).optional(),
  circuit: z.object({ openSince: time.optional(), closedAt: time.optional() }).default({}),
});

/** The memory that one pass stores for the next, in any container. Without it, the loop waits longer, never shorter. */
export interface Memory {
  /** The numbers of agents that earlier observations asked for, newest last. */
  recentlyWanted: readonly number[];
  /** When the newest of them was added. */
  wantedAt: Date | undefined;
  /** By name: since when a registered agent is missing from the vendor's list. */
  missingSince: ReadonlyMap<string, Date>;
  /** Since when at least one job has been waiting. */
  queuedSince: Date | undefined;
  /** The waits of jobs that an agent took by then are reported. */
  waitsUntil: Date | undefined;
  /** The jobs of the last while, on average. */
  load: Load | undefined;
  /** How fast jobs come and agents boot. */
  traffic: Traffic | undefined;
  /** When the date of the agents' image was last asked for, and the answer. */
  image: { readonly readAt: Date; readonly builtAt?: Date | undefined } | undefined;
  /** The circuit breaker. */
  circuit: Circuit;
}

/** The memory of a new fleet. */
export function createMemory(): Memory {
  return {
    recentlyWanted: [],
    wantedAt: undefined,
    missingSince: new Map(),
    queuedSince: undefined,
    waitsUntil: undefined,
    load: undefined,
    traffic: undefined,
    image: undefined,
    circuit: {},
  };
}

/** Reads the memory of the last pass. An invalid document counts as missing. */
export async function recall(memory: Memory, notebook: Notebook): Promise<void> {
  Object.assign(memory, createMemory(), memoryOf(await notebook.read()));
}

/** The memory in a document that {@link keep} wrote; `undefined` for anything else. */
export function memoryOf(document: unknown): Memory | undefined {
  const { data } = stored.safeParse(document);
  return data && { ...createMemory(), ...data, missingSince: new Map(Object.entries(data.missingSince)) };
}

/** Stores it for the next pass. */
export async function keep(memory: Memory, notebook: Notebook): Promise<void> {
  const { recentlyWanted, wantedAt, missingSince, queuedSince, waitsUntil, load, traffic, image, circuit } = memory;
  await notebook.write({
    recentlyWanted,
    wantedAt: wantedAt?.getTime(),
    missingSince: Object.fromEntries([...missingSince].map(([name, since]) => [name, since.getTime()])),
    queuedSince: queuedSince?.getTime(),
    waitsUntil: waitsUntil?.getTime(),
    load: load && { jobs: load.jobs, at: load.at.getTime() },
    traffic: traffic && { ...traffic, at: traffic.at.getTime() },
    image: image && { readAt: image.readAt.getTime(), builtAt: image.builtAt?.getTime() },
    circuit: { openSince: circuit.openSince?.getTime(), closedAt: circuit.closedAt?.getTime() },
  });
}
