import * as z from "zod";
import type { Policy } from "./policy.ts";
import { scheduledRules } from "./schedule.ts";

/**
 * Limits that an operator sets for a while end within this time, in seconds. The loop takes a row that says otherwise for
 * a bad one, after a day of grace for clocks.
 */
export const longestLimitsSeconds = 30 * 86_400;
const graceSeconds = 86_400;

const agents = z.int().min(0).max(10_000);
const time = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});

const limitsOverride = z.object({
  min: agents.optional(),
  max: agents.optional(),
  /** A number, or a percentage of the present jobs. */
  buffer: z.union([agents, z.object({ percent: z.int().min(1).max(1000) })]).optional(),
  /** They end then, by the clock of whoever reads them: DynamoDB deletes expired rows within days only. */
  until: time,
});

const pauseOverride = z.object({
  /** Left out: until somebody resumes. */
  until: time.optional(),
  reason: z.string().max(200).optional(),
});

const drainOverride = z.object({
  /** When an operator began it. It lasts until somebody ends it. */
  since: time,
});

/** Limits of one pool that hold for a while in place of the stack's. */
export type LimitsOverride = Readonly<z.output<typeof limitsOverride>>;

/** A pause of one pool, or of the whole fleet. */
export type PauseOverride = Readonly<z.output<typeof pauseOverride>>;

/** A drain of one pool, or of the whole fleet: each agent leaves when its job is done, and none comes. */
export type DrainOverride = Readonly<z.output<typeof drainOverride>>;

/** Each kind of override, and the form of its document. The id of its row is `<kind> <pool>`. */
export const overrideForms = { limits: limitsOverride, pause: pauseOverride, drain: drainOverride };

/** A kind of override. */
export type OverrideKind = keyof typeof overrideForms;

/** In ids of rows: the one pool of a fleet without `pools`, or all of a fleet's pools. No pool's key is like that. */
export const wholeFleet = "(fleet)";

/** The id of an override's row. @param pool `undefined`: see {@link wholeFleet} */
export function overrideId(kind: OverrideKind, pool: string | undefined): string {
  return `${kind} ${pool ?? wholeFleet}`;
}

/** What operators have set for one pool, as far as it holds now. */
export interface Overrides {
  /** They count for nothing under a drain, and hold again after it. */
  readonly limits?: LimitsOverride | undefined;
  readonly pause?: PauseOverride | undefined;
  readonly drain?: DrainOverride | undefined;
}

/** The policy of a pool at one moment, and the overrides that made it so. */
export interface InForce extends Overrides {
  readonly policy: Policy;
}

/** The rows of a table: id → document, as text. A row without a document has the document `undefined`. */
export type Documents = ReadonlyMap<string, string | undefined>;

/**
 * The overrides of a pool that hold at a time. A bad row counts as none.
 *
 * @param onBad is called with the id of each bad row and what is wrong with it
 */
export function overridesOf(
  pool: string | undefined,
  rows: Documents,
  now: Date,
  onBad: (id: string, trouble: string) => void = () => {},
): Overrides {
  const find = <Kind extends OverrideKind>(kind: Kind, of: string | undefined) => {
    const id = overrideId(kind, of);
    if (!rows.has(id)) return undefined;
    const read = readOverride(kind, rows.get(id), now);
    if (read.trouble !== undefined) onBad(id, read.trouble);
    const until = endOf(read.override);
    return until === undefined || until > now ? read.override : undefined;
  };
  const ofAll = <Kind extends OverrideKind>(kind: Kind) => {
    const own = find(kind, pool);
    return (pool === undefined ? undefined : find(kind, undefined)) ?? own;
  };
  return { limits: find("limits", pool), pause: ofAll("pause"), drain: ofAll("drain") };
}

/** Reads one override's document. `trouble` says what is wrong with it. */
function readOverride<Kind extends OverrideKind>(
  kind: Kind,
  text: string | undefined,
  now: Date,
): { readonly override?: z.output<(typeof overrideForms)[Kind]>; readonly trouble?: string } {
  let document: unknown;
  try {
    document = JSON.parse(text ?? "");
  } catch {
    return { trouble: "it is not JSON" };
  }
  const read = overrideForms[kind].safeParse(document);
  if (!read.success) {
    return { trouble: read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") };
  }
  const override = read.data as z.output<(typeof overrideForms)[Kind]>;
  const latest = now.getTime() + (longestLimitsSeconds + graceSeconds) * 1000;
  const until = endOf(override);
  if (kind === "limits" && until !== undefined && until.getTime() > latest) {
    return { trouble: `it ends only at ${until.toISOString()}` };
  }
  return { override };
}

function endOf(override: { readonly until?: Date | undefined } | DrainOverride | undefined): Date | undefined {
  return override && "until" in override ? override.until : undefined;
}

/** The limits under a drain. */
const nobody: Partial<Pick<Policy, "min" | "max" | "buffer">> = { min: 0, max: 0, buffer: 0 };

/**
 * The policy of a pool under its overrides. Floor and buffer replace those of every entry of the schedule, too. They lead
 * to no more agents than the stack allows: the ceiling never rises, and floor and buffer stay below it.
 *
 * @param lowest neither floor nor ceiling goes below it, because AWS itself keeps so many agents
 */
export function underOverrides(policy: Policy, { limits, pause, drain }: Overrides, lowest: number): Policy {
  const own = drain ? nobody : (limits ?? {});
  const ceiling = Math.min(Math.max(own.max ?? policy.max, lowest), policy.max);
  const bounded = <Rules extends Pick<Policy, "min" | "buffer">>(rules: Rules): Rules => {
    const { min = rules.min, buffer = rules.buffer } = own;
    return {
      ...rules,
      min: Math.min(Math.max(min, lowest), ceiling),
      buffer: typeof buffer === "number" ? Math.min(buffer, ceiling) : buffer,
    };
  };
  const { schedule } = policy;
  return {
    ...bounded(policy),
    enabled: policy.enabled && pause === undefined,
    max: ceiling,
    ...(schedule && { schedule: schedule.map((entry) => bounded({ ...entry, ...scheduledRules(policy, entry) })) }),
  };
}

/** The reason of a decision under a pause. */
export function pauseReason({ until, reason }: PauseOverride): string {
  const end = until === undefined ? "until somebody resumes it" : `until ${until.toISOString()}`;
  return `an operator paused it ${end}${reason ? `: ${reason}` : ""}`;
}
